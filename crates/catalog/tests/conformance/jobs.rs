//! Jobs, checkpoints, contents and pending writes.

use backstay_catalog::{
    CheckpointFlags, CheckpointHead, CheckpointHold, CheckpointRow, ContentKeyRow, ContentTable, JobNumbers,
    JobPlanRow, JobRow, NamedFilter, NewJob, Tx, ValueRow, WriteRow,
};
use backstay_model::TenantId;
use serde_json::json;

use crate::fixture::{Fixture, ada, at, draft};
use crate::on_both;

on_both!(
    a_job_is_made_once_and_moves,
    checkpoints_are_listed_by_sequence_and_carriers_are_not,
    typed_checkpoints_are_found_by_name,
    a_chain_comes_whole_and_base_first,
    special_writes_overwrite_and_others_do_not,
    many_events_of_one_commit_are_one_chain_and_counted,
    keys_numbers_holds_and_policies_are_kept,
    a_job_is_due_after_a_save_and_expired_ones_are_not_listed,
);

async fn job(tx: &mut Tx, name: &str) -> JobRow {
    let new = NewJob {
        key: name.as_bytes().to_vec(),
        tenant: TenantId::default_tenant(),
        project: "default".into(),
        name: name.into(),
        created_at: at(0),
    };
    tx.ensure_jobs(&[new]).await.unwrap().pop().unwrap()
}

fn row(job: i64, n: i64) -> CheckpointRow {
    let head = CheckpointHead {
        number: n,
        job,
        sequence: n as u64,
        step: n % 2,
        at: at(n as u64),
        flags: CheckpointFlags::default(),
        revision: 0,
        expires_at: (n == 3).then(|| at(10)),
        base: (n > 1).then_some(n - 1),
        parent: (n > 1).then_some(n - 1),
        namespace: None,
        name: None,
        run: None,
    };
    CheckpointRow { head, record: vec![1, n as u8], body: vec![2, 0, n as u8] }
}

async fn a_job_is_made_once_and_moves(fixture: &Fixture) {
    let mut tx = fixture.catalog.begin().await.unwrap();
    let first = job(&mut tx, "../x\u{1f600}").await;
    assert_eq!(job(&mut tx, "../x\u{1f600}").await, first);
    let second = job(&mut tx, "other").await;
    let mut moved = [first.progress(), second.progress()];
    (moved[0].last_sequence, moved[0].newest, moved[0].newest_id) = (5, Some(9), Some("s_1_0".into()));
    (moved[1].checkpoints, moved[1].updated_at) = (3, at(7));
    tx.move_jobs(&moved).await.unwrap();
    tx.commit().await.unwrap();
    let mut read = fixture.catalog.read().await.unwrap();
    let found = read.jobs_by_key(&[first.key.clone(), b"none".to_vec(), second.key.clone()]).await.unwrap();
    assert_eq!(found.len(), 2);
    let again = read.jobs_by_number(&[first.number]).await.unwrap().pop().unwrap();
    assert_eq!((again.progress(), again.name.as_str()), (moved[0].clone(), "../x\u{1f600}"));
    let listed = read.jobs_of_project(&first.tenant, "default", 0, 10).await.unwrap();
    assert_eq!((listed.len(), listed[1].checkpoints), (2, 3));
    assert_eq!(read.job_count(&first.tenant, "default").await.unwrap(), 2);
    assert_eq!(read.job_count(&first.tenant, "none").await.unwrap(), 0);
}

async fn checkpoints_are_listed_by_sequence_and_carriers_are_not(fixture: &Fixture) {
    let mut tx = fixture.catalog.begin().await.unwrap();
    let job = job(&mut tx, "j").await.number;
    let rows: Vec<_> = (1..=70).map(|n| row(job, n)).collect();
    tx.insert_checkpoints(&rows).await.unwrap();
    let carrier = CheckpointFlags { carrier: true, ..CheckpointFlags::default() };
    tx.set_checkpoint_flags(2, carrier).await.unwrap();
    tx.commit().await.unwrap();
    let mut read = fixture.catalog.read().await.unwrap();
    let list = read.list_checkpoints(job, None, false, None, 0, 3).await.unwrap();
    assert_eq!(list.iter().map(|row| row.head.number).collect::<Vec<_>>(), [1, 3, 4]);
    assert!(list.iter().all(|row| row.body.is_empty() && row.record.len() == 2));
    let list = read.list_checkpoints(job, Some(1), true, Some(10), 1, 2).await.unwrap();
    assert_eq!(list.iter().map(|row| row.head.number).collect::<Vec<_>>(), [7, 5]);
    assert_eq!(read.count_step(job, 0).await.unwrap(), 34);
    assert_eq!(read.checkpoint(70).await.unwrap().unwrap().checkpoint, rows[69]);
    assert!(read.checkpoint(2).await.unwrap().unwrap().checkpoint.head.flags.carrier);
    assert!(read.checkpoint(71).await.unwrap().is_none());
    assert_eq!(read.all_checkpoint_heads(job).await.unwrap().len(), 70);
    assert_eq!(read.newest_checkpoint(job).await.unwrap().unwrap().number, 70);
    assert!(read.has_expiring(job).await.unwrap() && !read.has_expiring(job + 1).await.unwrap());
    assert_eq!(read.checkpoint_at(job, at(5)).await.unwrap().unwrap().sequence, 5);
    drop(read);
    let mut tx = fixture.catalog.begin().await.unwrap();
    assert_eq!(tx.delete_checkpoints(&[70, 69, 1000]).await.unwrap(), 2);
    tx.commit().await.unwrap();
}

async fn typed_checkpoints_are_found_by_name(fixture: &Fixture) {
    let mut tx = fixture.catalog.begin().await.unwrap();
    let job = job(&mut tx, "t").await.number;
    for (n, namespace, name) in [(1, "", "a"), (2, "", "c"), (3, "x", "b"), (4, "", "b"), (5, "x", "c")] {
        let mut row = row(job, n);
        row.head.flags.typed = true;
        (row.head.namespace, row.head.name, row.head.run) =
            (Some(namespace.into()), Some(name.into()), Some(n % 2));
        tx.insert_checkpoints(&[row]).await.unwrap();
    }
    tx.commit().await.unwrap();
    let mut read = fixture.catalog.read().await.unwrap();
    assert_eq!(read.latest_by_name(job, "").await.unwrap().unwrap().head.number, 2);
    assert_eq!(read.checkpoint_by_name(job, "x", "b").await.unwrap().unwrap().head.number, 3);
    assert!(read.checkpoint_by_name(job, "y", "b").await.unwrap().is_none());
    let all = NamedFilter { limit: 10, ..NamedFilter::default() };
    let numbers = |rows: Vec<CheckpointRow>| rows.iter().map(|row| row.head.number).collect::<Vec<_>>();
    assert_eq!(numbers(read.list_by_name(job, &all).await.unwrap()), [2, 5, 4, 3, 1]);
    let after = NamedFilter { after: Some(("c".into(), String::new())), ..all.clone() };
    assert_eq!(numbers(read.list_by_name(job, &after).await.unwrap()), [5, 4, 3, 1]);
    let before = NamedFilter { namespace: Some(String::new()), before: Some("c".into()), ..all };
    assert_eq!(numbers(read.list_by_name(job, &before).await.unwrap()), [4, 1]);
    assert_eq!(read.checkpoints_of_run(1).await.unwrap().len(), 3);
    drop(read);
    let mut tx = fixture.catalog.begin().await.unwrap();
    let mut twice = row(job, 9);
    (twice.head.namespace, twice.head.name) = (Some("x".into()), Some("b".into()));
    // The catalog may put an insert off until the commit.
    let inserted = tx.insert_checkpoints(&[twice]).await;
    let refused = inserted.is_err() || tx.commit().await.is_err();
    assert!(refused, "a name is unique in its namespace");
}

async fn a_chain_comes_whole_and_base_first(fixture: &Fixture) {
    let mut tx = fixture.catalog.begin().await.unwrap();
    let job = job(&mut tx, "c").await.number;
    let value = |number: i64, base: Option<i64>| ValueRow { number, job, base, body: vec![number as u8] };
    tx.insert_values(&[
        value(1, None),
        value(2, Some(1)),
        value(3, Some(2)),
        value(4, Some(1)),
        value(5, None),
    ])
    .await
    .unwrap();
    let links = tx.content_chains(ContentTable::Values, &[3, 4]).await.unwrap();
    assert_eq!(links.iter().map(|link| link.number).collect::<Vec<_>>(), [1, 2, 3, 4]);
    let mut against = tx.encoded_against(ContentTable::Values, &[1, 2]).await.unwrap();
    against.sort_unstable();
    assert_eq!(against, [(2, 1), (3, 2), (4, 1)]);
    tx.rebase_content(ContentTable::Values, 3, None, b"alone").await.unwrap();
    tx.delete_values(&[2]).await.unwrap();
    assert_eq!(tx.values_of_job(job).await.unwrap(), [1, 3, 4, 5]);
    let links = tx.content_chains(ContentTable::Values, &[3]).await.unwrap();
    assert_eq!((links.len(), &links[0].body[..]), (1, &b"alone"[..]));
}

async fn special_writes_overwrite_and_others_do_not(fixture: &Fixture) {
    let mut tx = fixture.catalog.begin().await.unwrap();
    let job = job(&mut tx, "w").await.number;
    let write = |number: i64, task: &str, index: i64, body: &[u8]| WriteRow {
        number,
        job,
        namespace: String::new(),
        name: "c1".into(),
        task: task.into(),
        index,
        task_path: format!("~{task}"),
        channel: "out".into(),
        value_type: "msgpack".into(),
        body: body.to_vec(),
    };
    let first = [write(1, "b", 0, b"1"), write(2, "b", -1, b"1"), write(3, "a", 0, b"1")];
    assert_eq!(tx.insert_writes(&first, false).await.unwrap(), 3);
    assert_eq!(tx.insert_writes(&[write(4, "b", 0, b"2")], false).await.unwrap(), 0);
    assert_eq!(tx.insert_writes(&[write(5, "b", -1, b"2")], true).await.unwrap(), 1);
    let found = tx.checkpoint_writes(job, &["c1".into()]).await.unwrap();
    let shown: Vec<_> = found.iter().map(|w| (w.task.as_str(), w.index, &w.body[..])).collect();
    assert_eq!(shown, [("a", 0, &b"1"[..]), ("b", -1, b"2"), ("b", 0, b"1")]);
    assert_eq!(tx.writes_of_job(job).await.unwrap().len(), 3);
    assert_eq!(tx.delete_writes(job, Some(&[("x".into(), "c1".into())])).await.unwrap(), 0);
    assert_eq!(tx.delete_writes(job, None).await.unwrap(), 3);
}

async fn many_events_of_one_commit_are_one_chain_and_counted(fixture: &Fixture) {
    let mut tx = fixture.catalog.begin().await.unwrap();
    for n in 0..201 {
        tx.record(draft(if n % 3 == 0 { "checkpoint.deleted" } else { "checkpoint.created" }, n));
    }
    let committed = tx.commit().await.unwrap();
    assert_eq!(
        committed.events.iter().map(|event| event.seq).collect::<Vec<_>>(),
        (1..=201).collect::<Vec<_>>()
    );
    let mut read = fixture.catalog.read().await.unwrap();
    let report = read.verify_chain().await.unwrap();
    assert_eq!((report.events, report.is_whole()), (201, true), "{report:?}");
}

async fn keys_numbers_holds_and_policies_are_kept(fixture: &Fixture) {
    let mut tx = fixture.catalog.begin().await.unwrap();
    let key = ContentKeyRow { number: 1, wrapped: vec![0, 1, 255], created_at: at(1) };
    tx.insert_content_key(&key).await.unwrap();
    let numbers = JobNumbers { checkpoint: 1 << 60, other: 7 };
    tx.set_job_numbers(numbers).await.unwrap();
    let job = job(&mut tx, "p").await;
    tx.set_job_retention(job.number, Some(&json!({"keep_last": 3}))).await.unwrap();
    tx.set_project_retention(&job.tenant, "default", Some(&json!({"keep_last": 4}))).await.unwrap();
    let hold = CheckpointHold { checkpoint: 5, reason: "audit".into(), created_at: at(2), created_by: ada() };
    tx.hold_checkpoint(&hold).await.unwrap();
    let plan = JobPlanRow {
        id: "plan-1".into(),
        job: job.number,
        body: json!({"delete": ["a"]}),
        expires_at: at(10),
    };
    tx.insert_job_plan(&plan).await.unwrap();
    tx.commit().await.unwrap();
    let mut read = fixture.catalog.read().await.unwrap();
    assert_eq!(read.content_keys().await.unwrap(), [key]);
    assert_eq!(read.job_numbers().await.unwrap(), numbers);
    assert_eq!(read.jobs_by_number(&[job.number]).await.unwrap()[0].retention, Some(json!({"keep_last": 3})));
    assert_eq!(read.project_retention(&job.tenant, "default").await.unwrap(), Some(json!({"keep_last": 4})));
    assert_eq!(read.checkpoint_hold(5).await.unwrap(), Some(hold));
    assert_eq!(read.job_plan("plan-1", at(9)).await.unwrap(), Some(plan));
    assert_eq!(read.job_plan("plan-1", at(10)).await.unwrap(), None);
    drop(read);
    let mut tx = fixture.catalog.begin().await.unwrap();
    assert!(tx.release_checkpoint(5).await.unwrap());
    assert!(!tx.release_checkpoint(5).await.unwrap());
}

async fn a_job_is_due_after_a_save_and_expired_ones_are_not_listed(fixture: &Fixture) {
    let mut tx = fixture.catalog.begin().await.unwrap();
    let (first, second, third) = (job(&mut tx, "a").await, job(&mut tx, "b").await, job(&mut tx, "c").await);
    assert!(tx.jobs_due(at(100), 10).await.unwrap().is_empty(), "nothing was saved");
    let saved = |job: &JobRow, seconds| {
        let mut progress = job.progress();
        (progress.last_sequence, progress.updated_at) = (1, at(seconds));
        progress
    };
    tx.move_jobs(&[saved(&first, 5), saved(&second, 3)]).await.unwrap();
    let names = |rows: Vec<JobRow>| rows.into_iter().map(|row| row.name).collect::<Vec<_>>();
    assert_eq!(names(tx.jobs_due(at(4), 10).await.unwrap()), ["b"]);
    assert_eq!(names(tx.jobs_due(at(5), 10).await.unwrap()), ["b", "a"]);
    tx.set_jobs_due(&[first.number], None).await.unwrap();
    tx.set_jobs_due(&[second.number], Some(at(50))).await.unwrap();
    assert!(tx.jobs_due(at(49), 10).await.unwrap().is_empty());
    tx.move_jobs(&[saved(&first, 60), saved(&second, 20)]).await.unwrap();
    assert_eq!(names(tx.jobs_due(at(20), 10).await.unwrap()), ["b"], "a save makes it due");
    tx.set_jobs_due(&[first.number, second.number], None).await.unwrap();
    tx.set_project_due(&first.tenant, "default", at(70)).await.unwrap();
    assert_eq!(tx.jobs_due(at(70), 10).await.unwrap().len(), 3);

    tx.set_job_expired(first.number, Some(at(80)), Some(at(90))).await.unwrap();
    assert_eq!(names(tx.jobs_of_project(&first.tenant, "default", 0, 10).await.unwrap()), ["b", "c"]);
    assert_eq!(tx.job_count(&first.tenant, "default").await.unwrap(), 2);
    let row = tx.jobs_by_number(&[first.number]).await.unwrap().pop().unwrap();
    assert_eq!((row.expired_at, row.retain_at), (Some(at(80)), Some(at(90))));
    tx.forget_empty_jobs(&[first.number, third.number]).await.unwrap();
    assert_eq!(
        tx.jobs_by_number(&[first.number, third.number]).await.unwrap().len(),
        1,
        "only the empty one went"
    );
    assert_eq!(tx.holds_of_job(first.number).await.unwrap(), 0);
}
