//! Checkpoints: damage, moved rows, restarts, many at once.

use std::sync::Arc;

use backstay_model::retention::job::{JobReason, JobRules};
use backstay_model::{ErrorKind, Role};
use backstay_service::view::{Checkpoint, CheckpointFilter, Idempotency, NewCheckpoint};
use backstay_service::{DEFAULT_PROJECT, Service, State};

use crate::fixture::{Fixture, caller, service_at, settings};

fn new(job: &str, step: &str, state: &str) -> NewCheckpoint {
    NewCheckpoint {
        job_id: job.into(),
        step_name: step.into(),
        state: State::parse(state).unwrap(),
        metadata: None,
        workflow_name: None,
        workflow_version: None,
        parent_id: None,
        execution_id: None,
        ttl_s: None,
        pinned: false,
        epoch: None,
    }
}

/// A state of about 5 KB of which little changes with `n`.
fn state(n: usize) -> String {
    let items: Vec<String> = (0..100).map(|i| format!("\"{:x}\"", (i + 7) * 0x9e37_79b9_usize * (1 + usize::from(i == n % 100) * n))).collect();
    format!("{{\"n\":{n},\"filler\":\"{}\",\"items\":[{}]}}", "abcdefgh".repeat(400), items.join(","))
}

async fn save(service: &Service, job: &str, n: usize) -> Checkpoint {
    let new = new(job, &format!("step_{n}"), &state(n));
    service.create_checkpoint(&caller(Role::Operator), DEFAULT_PROJECT, new, None).await.unwrap()
}

async fn is_readable(service: &Service, checkpoint: &Checkpoint) -> bool {
    match service.get_checkpoint(&caller(Role::Viewer), &checkpoint.checkpoint_id).await {
        Ok(found) => {
            assert!(found.state.contains(&format!("\"n\":{}", checkpoint.sequence - 1)), "another state");
            true
        }
        Err(error) => {
            assert_eq!(error.kind, ErrorKind::BadRequest, "{error}");
            assert!(error.message.starts_with("Invalid checkpoint data: content of "), "{error}");
            false
        }
    }
}

/// Runs SQL on the catalog behind the service's back.
async fn tamper(fixture: &Fixture, text: &str) {
    use sqlx::Connection;
    let path = fixture.scratch.path().join("catalog.db");
    let mut connection = sqlx::SqliteConnection::connect(&format!("sqlite:{}", path.display())).await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(text.to_owned())).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

/// The same catalog and repository in another process.
async fn again(fixture: &Fixture, seed: u64) -> Service {
    let catalog = fixture.scratch.path().join("catalog.db");
    service_at(&catalog, &fixture.store, &fixture.clock, seed, settings()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_changes_nothing_and_a_catalog_without_its_repository_opens_nothing() {
    let fixture = Fixture::new().await;
    let mut saved = Vec::new();
    for n in 0..30 {
        saved.push(save(&fixture.service, "j", n).await);
    }
    let other = again(&fixture, 2).await;
    for checkpoint in &saved {
        assert!(is_readable(&other, checkpoint).await);
    }
    assert_eq!(save(&other, "j", 30).await.sequence, 31);
    fixture.assert_audit().await;

    let catalog = fixture.scratch.path().join("catalog.db");
    let clock = Arc::clone(&fixture.clock);
    let empty: Arc<dyn backstay_store::Store> = Arc::new(backstay_store::MemoryStore::with_clock(Arc::clone(&clock) as _));
    let foreign = service_at(&catalog, &empty, &clock, 3, settings()).await;
    let error = foreign.get_checkpoint(&caller(Role::Viewer), &saved[0].checkpoint_id).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Damaged, "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_is_told_and_does_not_spread() {
    let fixture = Fixture::new().await;
    let mut saved = Vec::new();
    for n in 0..6 {
        saved.push(save(&fixture.service, "j", n).await);
    }
    // The last byte of the newest content.
    tamper(&fixture, "UPDATE checkpoints SET body = substr(body, 1, length(body) - 1) || x'00' WHERE sequence = 6").await;
    let service = again(&fixture, 2).await;
    assert!(!is_readable(&service, &saved[5]).await);
    assert!(is_readable(&service, &saved[4]).await);
    let listed = service
        .list_checkpoints(&caller(Role::Viewer), DEFAULT_PROJECT, "j", &CheckpointFilter { limit: 10, ..CheckpointFilter::default() })
        .await
        .unwrap();
    assert_eq!(listed.items.iter().map(|item| item.damaged).collect::<Vec<_>>(), [false, false, false, false, false, true]);
    // What is saved next does not build on it.
    let next = save(&service, "j", 6).await;
    assert!(is_readable(&again(&fixture, 3).await, &next).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_newest_does_not_cost_the_newest_good_one() {
    let fixture = Fixture::new().await;
    for n in 0..4 {
        save(&fixture.service, "j", n).await;
    }
    tamper(&fixture, "UPDATE checkpoints SET body = x'00' WHERE sequence = 4").await;
    let rules = JobRules { keep_last: Some(1), ..JobRules::default() };
    let operator = caller(Role::Operator);
    let shown = fixture.service.clean_job(&operator, DEFAULT_PROJECT, "j", &rules, true).await.unwrap();
    let done = fixture.service.clean_job(&operator, DEFAULT_PROJECT, "j", &rules, false).await.unwrap();
    assert_eq!(shown, done, "the preview is what happens");
    assert_eq!(done.deleted.len(), 2);
    assert_eq!(done.kept.iter().map(|(_, reason)| *reason).collect::<Vec<_>>(), [JobReason::LastGood, JobReason::Newest]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_moved_exchanged_or_plain_row_does_not_open() {
    let fixture = Fixture::new().await;
    let (one, two) = (save(&fixture.service, "a", 0).await, save(&fixture.service, "b", 0).await);
    tamper(
        &fixture,
        "CREATE TEMP TABLE was AS SELECT number, body FROM checkpoints;
         UPDATE checkpoints SET body = (SELECT body FROM was WHERE was.number <> checkpoints.number)",
    )
    .await;
    assert!(!is_readable(&fixture.service, &one).await);
    assert!(!is_readable(&fixture.service, &two).await);
    tamper(&fixture, "UPDATE checkpoints SET body = CAST('{\"n\":0,\"padding\":\"................................\"}' AS BLOB)").await;
    assert!(!is_readable(&fixture.service, &one).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_stays_readable_whatever_goes() {
    let fixture = Fixture::new().await;
    let mut saved = Vec::new();
    for n in 0..60 {
        saved.push(save(&fixture.service, "j", n).await);
    }
    let operator = caller(Role::Operator);
    for n in [0, 1, 2, 30, 59, 31, 57, 10] {
        fixture.service.delete_checkpoint(&operator, &saved[n].checkpoint_id).await.unwrap();
        let error = fixture.service.delete_checkpoint(&operator, &saved[n].checkpoint_id).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::NotFound);
    }
    let rules = JobRules { keep_last: Some(20), ..JobRules::default() };
    let cleaned = fixture.service.clean_job(&operator, DEFAULT_PROJECT, "j", &rules, false).await.unwrap();
    assert_eq!((cleaned.deleted.len(), cleaned.kept.len()), (32, 20));
    let other = again(&fixture, 2).await;
    for checkpoint in saved.iter().filter(|one| cleaned.kept.iter().any(|(id, _)| *id == one.checkpoint_id)) {
        assert!(is_readable(&other, checkpoint).await);
    }
    let next = save(&other, "j", 60).await;
    assert_eq!(next.sequence, 61, "a sequence is never given twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_saves_at_once_are_all_there_in_one_order() {
    let fixture = Arc::new(Fixture::new().await);
    let other = again(&fixture, 2).await;
    let mut clients = tokio::task::JoinSet::new();
    for client in 0..32_usize {
        let service = if client % 4 == 0 { other.clone() } else { fixture.service.clone() };
        clients.spawn(async move {
            for n in 0..10 {
                let new = new(&format!("j{}", client % 2), "s", &format!("{{\"client\":{client},\"n\":{n}}}"));
                let key = Some(Idempotency::new(format!("{client}-{n}"), b"body"));
                service.create_checkpoint(&caller(Role::Operator), DEFAULT_PROJECT, new, key).await.unwrap();
            }
        });
    }
    while let Some(done) = clients.join_next().await {
        done.unwrap();
    }
    for job in ["j0", "j1"] {
        let filter = CheckpointFilter { limit: 1000, ..CheckpointFilter::default() };
        let page =
            fixture.service.list_checkpoints(&caller(Role::Viewer), DEFAULT_PROJECT, job, &filter).await.unwrap();
        let sequences: Vec<u64> = page.items.iter().map(|item| item.sequence).collect();
        assert_eq!((page.total, sequences), (160, (1..=160).collect()));
    }
    let ids: std::collections::HashSet<String> = fixture.actions().await.into_iter().collect();
    assert!(ids.contains("checkpoint.created"));
    fixture.assert_audit().await;
}
