//! Executors and resumes.

use backstay_catalog::{CatalogError, ExecutorRow, JobRow, NewJob, ResumeRow};
use backstay_model::TenantId;
use backstay_model::execution::{Capability, ResumeState};

use crate::fixture::{Fixture, at};
use crate::on_both;

on_both!(
    executors_are_kept_by_name_and_named_by_jobs,
    resumes_are_found_while_they_are_open,
    pins_are_found_when_they_are_over_and_forgotten,
    resumes_that_ended_are_forgotten_unless_they_pin,
);

async fn job(fixture: &Fixture, name: &str) -> JobRow {
    let new = NewJob {
        key: name.as_bytes().to_vec(),
        tenant: TenantId::default_tenant(),
        project: "default".into(),
        name: name.into(),
        created_at: at(0),
    };
    let mut tx = fixture.catalog.begin().await.unwrap();
    let made = tx.ensure_jobs(&[new]).await.unwrap().pop().unwrap();
    tx.commit().await.unwrap();
    made
}

fn executor(number: i64, name: &str) -> ExecutorRow {
    ExecutorRow {
        number,
        tenant: TenantId::default_tenant(),
        project: "default".into(),
        name: name.into(),
        pull: number % 2 == 0,
        patterns: vec!["*".into(), "\u{1f600}".into()],
        timeout_s: 10,
        capabilities: vec![Capability::Resume, Capability::Capture],
        created_at: at(1),
        record: vec![1, number as u8],
    }
}

fn resume(job: &JobRow, number: i64) -> ResumeRow {
    ResumeRow {
        number,
        job: job.number,
        tenant: job.tenant.clone(),
        executor: 5,
        checkpoint: 3,
        state: ResumeState::Delivering,
        epoch: 2,
        safety: Some(4),
        unpin_at: None,
        leased_until: None,
        ends_at: at(100),
        created_at: at(number as u64),
        ended_at: None,
        record: vec![2, number as u8],
    }
}

async fn add(fixture: &Fixture, rows: &[ResumeRow]) {
    let mut tx = fixture.catalog.begin().await.unwrap();
    for row in rows {
        tx.insert_resume(row).await.unwrap();
    }
    tx.commit().await.unwrap();
}

async fn executors_are_kept_by_name_and_named_by_jobs(fixture: &Fixture) {
    let job = job(fixture, "j").await;
    let (one, two) = (executor(1 << 40, "zeta"), executor((1 << 40) + 1, "alpha"));
    let mut tx = fixture.catalog.begin().await.unwrap();
    tx.insert_executor(&one).await.unwrap();
    tx.insert_executor(&two).await.unwrap();
    tx.set_job_executor(job.number, Some(one.number)).await.unwrap();
    tx.set_job_epoch(job.number, 7).await.unwrap();
    tx.commit().await.unwrap();
    let mut read = fixture.catalog.read().await.unwrap();
    let tenant = TenantId::default_tenant();
    assert_eq!(read.executors(&tenant, "default").await.unwrap(), [two.clone(), one.clone()]);
    assert!(read.executors(&tenant, "other").await.unwrap().is_empty());
    assert_eq!(read.executor(one.number).await.unwrap().as_ref(), Some(&one));
    assert_eq!(read.executor_of_job(job.number).await.unwrap(), Some(one.number));
    assert_eq!(read.executor_of_job(job.number + 1).await.unwrap(), None);
    assert_eq!(read.jobs_by_number(&[job.number]).await.unwrap()[0].epoch, 7);
    drop(read);
    let mut tx = fixture.catalog.begin().await.unwrap();
    let twice = tx.insert_executor(&executor(9, "zeta")).await;
    assert!(matches!(twice, Err(CatalogError::Duplicate { .. })), "{twice:?}");
    tx.roll_back().await;
    let mut tx = fixture.catalog.begin().await.unwrap();
    tx.delete_executor(one.number).await.unwrap();
    assert!(tx.delete_executor(one.number).await.is_err());
    assert!(tx.set_job_epoch(job.number + 1, 1).await.is_err());
    tx.commit().await.unwrap();
    let mut read = fixture.catalog.read().await.unwrap();
    assert_eq!(read.executor_of_job(job.number).await.unwrap(), None);
}

async fn resumes_are_found_while_they_are_open(fixture: &Fixture) {
    let (one, two) = (job(fixture, "one").await, job(fixture, "two").await);
    let rows = [resume(&one, 1), resume(&one, 2), resume(&two, 3)];
    add(fixture, &rows).await;
    let mut tx = fixture.catalog.begin().await.unwrap();
    tx.end_resume(1, ResumeState::Refused, at(9), &[9, 9]).await.unwrap();
    assert!(tx.end_resume(77, ResumeState::Failed, at(9), &[]).await.is_err());
    tx.lease_resume(2, at(20)).await.unwrap();
    tx.commit().await.unwrap();
    let mut read = fixture.catalog.read().await.unwrap();
    let ended = ResumeRow {
        state: ResumeState::Refused,
        ended_at: Some(at(9)),
        record: vec![9, 9],
        ..rows[0].clone()
    };
    assert_eq!(read.resume(1).await.unwrap(), Some(ended));
    assert_eq!(read.resume(3).await.unwrap().as_ref(), Some(&rows[2]));
    let numbers = |rows: &[ResumeRow]| rows.iter().map(|row| row.number).collect::<Vec<_>>();
    assert_eq!(numbers(&read.open_resumes(one.number).await.unwrap()), [2]);
    assert_eq!(read.newest_resume(one.number).await.unwrap(), Some(2));
    assert_eq!(read.newest_resume(99).await.unwrap(), None);
    for (now, expected) in [(19, Some(3)), (20, Some(2)), (99, Some(2)), (100, None)] {
        let found = read.resume_to_deliver(5, at(now)).await.unwrap();
        assert_eq!(found.map(|row| row.number), expected, "at {now}");
    }
    assert_eq!(read.resume_to_deliver(6, at(20)).await.unwrap(), None);
    assert!(read.overdue_resumes(at(99), 10).await.unwrap().is_empty());
    assert_eq!(numbers(&read.overdue_resumes(at(100), 10).await.unwrap()).len(), 2);
    assert_eq!(read.overdue_resumes(at(100), 1).await.unwrap().len(), 1);
}

async fn pins_are_found_when_they_are_over_and_forgotten(fixture: &Fixture) {
    let job = job(fixture, "j").await;
    let pinning = |number, until| ResumeRow { unpin_at: Some(at(until)), ..resume(&job, number) };
    add(fixture, &[pinning(1, 50), pinning(2, 60), resume(&job, 3)]).await;
    let mut tx = fixture.catalog.begin().await.unwrap();
    assert!(tx.pins_over(at(49), 10).await.unwrap().is_empty());
    assert_eq!(tx.pins_over(at(60), 10).await.unwrap().len(), 2);
    assert_eq!(tx.forget_pins(99).await.unwrap(), 0);
    assert_eq!(tx.forget_pins(4).await.unwrap(), 2);
    assert_eq!(tx.forget_pins(4).await.unwrap(), 0);
    tx.commit().await.unwrap();
    assert!(fixture.catalog.read().await.unwrap().pins_over(at(60), 10).await.unwrap().is_empty());
}

async fn resumes_that_ended_are_forgotten_unless_they_pin(fixture: &Fixture) {
    let job = job(fixture, "j").await;
    let ended = |number, at_s| ResumeRow { ended_at: Some(at(at_s)), ..resume(&job, number) };
    let pinning = ResumeRow { unpin_at: Some(at(500)), ..ended(3, 10) };
    add(fixture, &[ended(1, 10), ended(2, 20), pinning, resume(&job, 4)]).await;
    let mut tx = fixture.catalog.begin().await.unwrap();
    tx.forget_resumes(at(20)).await.unwrap();
    tx.commit().await.unwrap();
    let mut read = fixture.catalog.read().await.unwrap();
    for (number, there) in [(1, false), (2, true), (3, true), (4, true)] {
        assert_eq!(read.resume(number).await.unwrap().is_some(), there, "{number}");
    }
}
