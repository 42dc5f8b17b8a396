//! Checkpoints: damage, moved rows, restarts, many at once.

use std::fmt::Write as _;
use std::sync::Arc;

use backstay_catalog::{Catalog, CatalogOptions};
use backstay_model::retention::job::{JobReason, JobRules};
use backstay_model::{ErrorKind, Role};
use backstay_service::view::{Checkpoint, CheckpointFilter, NewCheckpoint};
use backstay_service::{DEFAULT_PROJECT, Service, State};
use backstay_store::{MemoryStore, Store};

use crate::fixture::{Database, Fixture, caller, new_repository_in, root_caller, service_at, settings};
use crate::on_both;

on_both!(
    a_restart_changes_nothing_and_a_catalog_without_its_repository_opens_nothing,
    damage_is_told_and_does_not_spread,
    a_damaged_newest_does_not_cost_the_newest_good_one,
    a_moved_exchanged_or_plain_row_does_not_open,
    what_is_kept_stays_readable_whatever_goes,
    many_saves_at_once_are_all_there_in_one_order,
    many_reads_at_once_each_get_their_own_state,
    what_is_refused_leaves_nothing,
    a_new_key_seals_what_comes_and_the_old_one_opens_what_was,
);

pub(crate) fn new(job: &str, step: &str, state: &str) -> NewCheckpoint {
    NewCheckpoint {
        job_id: job.into(),
        step_name: step.into(),
        state: Some(State::parse(state).unwrap()),
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
    let item = |i: usize| (i + 7) * 0x9e37_79b9_usize * (1 + usize::from(i == n % 100) * n);
    let items: Vec<String> = (0..100).map(|i| format!("\"{:x}\"", item(i))).collect();
    format!("{{\"n\":{n},\"filler\":\"{}\",\"items\":[{}]}}", "abcdefgh".repeat(400), items.join(","))
}

pub(crate) async fn save(service: &Service, job: &str, n: usize) -> Checkpoint {
    let new = new(job, &format!("step_{n}"), &state(n));
    service.create_checkpoint(&caller(Role::Operator), DEFAULT_PROJECT, new).await.unwrap()
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

pub(crate) async fn listed(service: &Service, job: &str) -> Vec<Checkpoint> {
    let filter = CheckpointFilter { limit: 1000, ..CheckpointFilter::default() };
    let page = service.list_checkpoints(&caller(Role::Viewer), DEFAULT_PROJECT, job, &filter).await.unwrap();
    assert_eq!(page.total, page.items.len() as u64);
    page.items
}

pub(crate) fn keep_last(count: u32) -> JobRules {
    JobRules { keep_last: Some(count), ..JobRules::default() }
}

/// Runs SQL on the catalog behind the service's back; `{blob}` stands for the bytes of `blob`.
pub(crate) async fn tamper(fixture: &Fixture, text: &str, blob: &[u8]) {
    use sqlx::Connection;
    let hex = blob.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    });
    match &fixture.database {
        Database::Sqlite(_) => {
            let url = format!("sqlite:{}", fixture.database.location());
            let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
            let text = text.replace("{blob}", &format!("x'{hex}'"));
            sqlx::raw_sql(sqlx::AssertSqlSafe(text)).execute(&mut connection).await.unwrap();
            connection.close().await.unwrap();
        }
        Database::Postgres(schema) => schema.execute(&text.replace("{blob}", &format!("'\\x{hex}'::bytea"))),
    }
}

async fn a_restart_changes_nothing_and_a_catalog_without_its_repository_opens_nothing(fixture: &Fixture) {
    let mut saved = Vec::new();
    for n in 0..30 {
        saved.push(save(&fixture.service, "j", n).await);
    }
    let other = fixture.again(2).await;
    for checkpoint in &saved {
        assert!(is_readable(&other, checkpoint).await);
    }
    assert_eq!(save(&other, "j", 30).await.sequence, 31);
    fixture.assert_audit().await;

    let empty: Arc<dyn Store> = Arc::new(MemoryStore::with_clock(Arc::clone(&fixture.clock) as _));
    new_repository_in(&empty, 100);
    let foreign = service_at(&fixture.database, &empty, &fixture.clock, 3, settings()).await;
    let error = foreign.get_checkpoint(&caller(Role::Viewer), &saved[0].checkpoint_id).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Damaged, "{error}");
}

async fn damage_is_told_and_does_not_spread(fixture: &Fixture) {
    let mut saved = Vec::new();
    for n in 0..6 {
        saved.push(save(&fixture.service, "j", n).await);
    }
    tamper(fixture, "UPDATE checkpoints SET body = {blob} WHERE sequence = 6", &[1; 200]).await;
    let service = fixture.again(2).await;
    assert!(!is_readable(&service, &saved[5]).await);
    assert!(is_readable(&service, &saved[4]).await);
    let damaged: Vec<_> = listed(&service, "j").await.iter().map(|item| item.damaged).collect();
    assert_eq!(damaged, [false, false, false, false, false, true]);
    // What is saved next does not build on it.
    let next = save(&service, "j", 6).await;
    assert!(is_readable(&fixture.again(3).await, &next).await);
}

async fn a_damaged_newest_does_not_cost_the_newest_good_one(fixture: &Fixture) {
    for n in 0..4 {
        save(&fixture.service, "j", n).await;
    }
    tamper(fixture, "UPDATE checkpoints SET body = {blob} WHERE sequence = 4", &[0]).await;
    let operator = caller(Role::Operator);
    let rules = keep_last(1);
    let clean = |dry_run| fixture.service.clean_job(&operator, DEFAULT_PROJECT, "j", &rules, dry_run);
    let shown = clean(true).await.unwrap();
    let done = clean(false).await.unwrap();
    assert_eq!(shown, done, "the preview is what happens");
    assert_eq!(done.deleted.len(), 2);
    let reasons: Vec<_> = done.kept.iter().map(|(_, reason)| *reason).collect();
    assert_eq!(reasons, [JobReason::LastGood, JobReason::Newest]);
}

async fn a_moved_exchanged_or_plain_row_does_not_open(fixture: &Fixture) {
    let (one, two) = (save(&fixture.service, "a", 0).await, save(&fixture.service, "b", 0).await);
    let exchange = "CREATE TABLE was AS SELECT number, body FROM checkpoints;
         UPDATE checkpoints SET body = (SELECT body FROM was WHERE was.number <> checkpoints.number)";
    tamper(fixture, exchange, &[]).await;
    let service = fixture.again(2).await;
    assert!(!is_readable(&service, &one).await);
    assert!(!is_readable(&service, &two).await);
    let plain = b"{\"n\":0,\"padding\":\"................................\"}";
    tamper(fixture, "UPDATE checkpoints SET body = {blob}", plain).await;
    assert!(!is_readable(&service, &one).await);
}

async fn what_is_kept_stays_readable_whatever_goes(fixture: &Fixture) {
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
    let rules = keep_last(20);
    let cleaned = fixture.service.clean_job(&operator, DEFAULT_PROJECT, "j", &rules, false).await.unwrap();
    assert_eq!((cleaned.deleted.len(), cleaned.kept.len()), (32, 20));
    let other = fixture.again(2).await;
    let kept = saved.iter().filter(|one| cleaned.kept.iter().any(|(id, _)| *id == one.checkpoint_id));
    for checkpoint in kept {
        assert!(is_readable(&other, checkpoint).await);
    }
    let next = save(&other, "j", 60).await;
    assert_eq!(next.sequence, 61, "a sequence is never given twice");
}

async fn many_saves_at_once_are_all_there_in_one_order(fixture: &Fixture) {
    let other = fixture.again(2).await;
    let mut clients = tokio::task::JoinSet::new();
    for client in 0..32_usize {
        let service = if client % 4 == 0 { other.clone() } else { fixture.service.clone() };
        clients.spawn(async move {
            for n in 0..10 {
                let new =
                    new(&format!("j{}", client % 2), "s", &format!("{{\"client\":{client},\"n\":{n}}}"));
                service.create_checkpoint(&caller(Role::Operator), DEFAULT_PROJECT, new).await.unwrap();
            }
        });
    }
    while let Some(done) = clients.join_next().await {
        done.unwrap();
    }
    for job in ["j0", "j1"] {
        let sequences: Vec<u64> =
            listed(&fixture.service, job).await.iter().map(|item| item.sequence).collect();
        assert_eq!(sequences, (1..=160).collect::<Vec<_>>());
    }
    let created = fixture.actions().await.into_iter().filter(|action| action == "checkpoint.created").count();
    assert_eq!(created, 320);
    fixture.assert_audit().await;
}

async fn many_reads_at_once_each_get_their_own_state(fixture: &Fixture) {
    let mut saved = Vec::new();
    for n in 0..30 {
        saved.push(save(&fixture.service, "j", n).await);
    }
    // Too large to be read with others.
    let large = format!("{{\"n\":30,\"noise\":\"{}\"}}", noise(150_000));
    let large = new("j", "large", &large);
    saved.push(
        fixture.service.create_checkpoint(&caller(Role::Operator), DEFAULT_PROJECT, large).await.unwrap(),
    );
    let mut readers = tokio::task::JoinSet::new();
    for reader in 0..300_usize {
        let (service, checkpoint) = (fixture.service.clone(), saved[reader * 7 % saved.len()].clone());
        readers.spawn(async move {
            if reader % 10 == 9 {
                let unknown = service.get_checkpoint(&caller(Role::Viewer), "step_1737201236_00000000").await;
                assert_eq!(unknown.unwrap_err().kind, ErrorKind::NotFound);
            }
            assert!(is_readable(&service, &checkpoint).await);
        });
    }
    while let Some(done) = readers.join_next().await {
        done.unwrap();
    }
}

/// So many hexadecimal digits that do not compress to less than half.
fn noise(length: usize) -> String {
    let mut digest = blake3::hash(b"noise");
    let mut text = String::new();
    while text.len() < length {
        text.push_str(digest.to_hex().as_str());
        digest = blake3::hash(digest.as_bytes());
    }
    text
}

async fn what_is_refused_leaves_nothing(fixture: &Fixture) {
    let operator = caller(Role::Operator);
    let mut orphan = new("never", "s", "{}");
    orphan.parent_id = Some("step_1737201236_00000000".into());
    let error =
        fixture.service.create_checkpoint(&operator, DEFAULT_PROJECT, orphan.clone()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
    let batch = vec![Ok(new("other", "s", "{}")), Ok(orphan)];
    let error =
        fixture.service.create_checkpoints(&operator, DEFAULT_PROJECT, batch, true).await.unwrap_err();
    assert_eq!(error.index, Some(1));
    let (jobs, total) = fixture.service.list_jobs(&operator, DEFAULT_PROJECT, 0, 10).await.unwrap();
    assert_eq!((jobs.len(), total), (0, 0));
    assert!(!fixture.actions().await.contains(&"checkpoint.created".to_owned()));
    assert_eq!(save(&fixture.service, "other", 0).await.sequence, 1);
}

async fn a_new_key_seals_what_comes_and_the_old_one_opens_what_was(fixture: &Fixture) {
    let (first, other) = (&fixture.service, fixture.again(2).await);
    let mut saved = vec![save(first, "j", 0).await, save(&other, "j", 1).await];
    let error = first.rotate_job_key(&caller(Role::Admin)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Forbidden);
    assert_eq!(first.rotate_job_key(&root_caller()).await.unwrap(), 2);
    // Until every server knows the new key none seals with it.
    fixture.clock.advance(100);
    saved.push(save(first, "j", 2).await);
    fixture.clock.advance(100);
    saved.push(save(first, "j", 3).await);
    for service in [first, &other, &fixture.again(3).await] {
        for checkpoint in &saved {
            assert!(is_readable(service, checkpoint).await);
        }
    }
    let mut numbers = Vec::new();
    for sequence in 1..=4 {
        numbers.push(key_of(fixture, sequence).await);
    }
    assert_eq!(numbers, [1, 1, 1, 2]);
    assert!(fixture.actions().await.contains(&"repository.job_key_rotated".to_owned()));
}

/// The number of the data key under which the content with this sequence is sealed, from its header.
async fn key_of(fixture: &Fixture, sequence: u64) -> u8 {
    let catalog = Catalog::open(&fixture.database.location(), &CatalogOptions::default()).await.unwrap();
    let mut read = catalog.read().await.unwrap();
    let jobs = read
        .jobs_of_project(&backstay_model::TenantId::default_tenant(), DEFAULT_PROJECT, 0, 1)
        .await
        .unwrap();
    let heads = read.all_checkpoint_heads(jobs[0].number).await.unwrap();
    let head = heads.iter().find(|head| head.sequence == sequence).unwrap();
    let row = read.checkpoints(&[head.number]).await.unwrap().pop().unwrap();
    row.body[1]
}
