//! Retention that nobody asks for, and jobs that expire.

use backstay_catalog::{Catalog, CatalogOptions};
use backstay_model::retention::job::JobRules;
use backstay_model::{Clock, ErrorKind, Role};
use backstay_service::view::NewCheckpoint;
use backstay_service::{DEFAULT_PROJECT, Service, Settings};

use crate::checkpoints::{keep_last, listed, new, save};
use crate::fixture::{Database, Fixture, caller, service_at, settings};
use crate::on_both;

const DAY_S: i64 = 86_400;

on_both!(
    policies_are_carried_out_without_asking,
    what_outlives_its_time_goes_however_many_jobs_wait,
    a_job_with_an_unreadable_policy_holds_up_no_other,
    an_idle_job_expires_and_can_come_back,
    a_hold_keeps_a_job_from_expiring,
    a_plan_is_carried_out_on_its_own_job_alone,
);

async fn steps(service: &Service, job: &str) -> Vec<String> {
    listed(service, job).await.into_iter().map(|item| item.step_name).collect()
}

async fn set(service: &Service, job: Option<&str>, rules: Option<&JobRules>) {
    service.set_retention(&caller(Role::Admin), DEFAULT_PROJECT, job, rules).await.unwrap();
}

async fn policies_are_carried_out_without_asking(fixture: &Fixture) {
    let service = &fixture.service;
    for job in ["own", "shared"] {
        for n in 0..5 {
            save(service, job, n).await;
            fixture.clock.advance(100);
        }
    }
    service.tidy().await.unwrap();
    assert_eq!(steps(service, "own").await.len(), 5, "without a policy everything stays");
    set(service, Some("own"), Some(&keep_last(2))).await;
    set(service, None, Some(&keep_last(3))).await;
    service.tidy().await.unwrap();
    assert_eq!(steps(service, "own").await, ["step_3", "step_4"]);
    assert_eq!(steps(service, "shared").await, ["step_2", "step_3", "step_4"]);
    save(service, "own", 5).await;
    service.tidy().await.unwrap();
    assert_eq!(steps(service, "own").await, ["step_4", "step_5"], "a save makes a job due");
    let own = service.get_retention(&caller(Role::Viewer), DEFAULT_PROJECT, Some("own")).await.unwrap();
    assert_eq!((own.effective, own.from), (Some(keep_last(2)), Some("job")));

    set(service, Some("own"), Some(&JobRules { keep_for_s: Some(600), ..JobRules::default() })).await;
    service.tidy().await.unwrap();
    assert_eq!(steps(service, "own").await, ["step_5"], "step_4 is older than ten minutes");
    save(service, "own", 6).await;
    service.tidy().await.unwrap();
    assert_eq!(steps(service, "own").await.len(), 2);
    fixture.clock.advance(601);
    service.tidy().await.unwrap();
    assert_eq!(steps(service, "own").await, ["step_6"], "time alone removes too");

    let server = Settings { job_retention: Some(keep_last(1)), ..settings() };
    let server = service_at(&fixture.database, &fixture.store, &fixture.clock, 5, server).await;
    set(&server, None, None).await;
    let shared = server.get_retention(&caller(Role::Viewer), DEFAULT_PROJECT, Some("shared")).await.unwrap();
    assert_eq!((shared.own, shared.from), (None, Some("server")));
    server.tidy().await.unwrap();
    assert_eq!(steps(&server, "shared").await, ["step_4"]);
}

async fn a_job_with_an_unreadable_policy_holds_up_no_other(fixture: &Fixture) {
    let service = &fixture.service;
    for job in ["bad", "good"] {
        for n in 0..3 {
            save(service, job, n).await;
        }
        fixture.clock.advance(1);
    }
    set(service, Some("good"), Some(&keep_last(1))).await;
    let catalog = Catalog::open(&fixture.database.location(), &CatalogOptions::default()).await.unwrap();
    let mut tx = catalog.begin().await.unwrap();
    let due = tx.jobs_due(fixture.clock.now(), 10).await.unwrap();
    let bad = due.iter().find(|job| job.name == "bad").unwrap().number;
    tx.set_job_retention(bad, Some(&serde_json::json!({"keep_last": "many"}))).await.unwrap();
    tx.commit().await.unwrap();
    for _ in 0..2 {
        service.tidy().await.unwrap();
        assert_eq!(steps(service, "bad").await.len(), 3);
        assert_eq!(steps(service, "good").await.len(), 1);
        save(service, "good", 3).await;
        fixture.clock.advance(1);
    }
}

async fn what_outlives_its_time_goes_however_many_jobs_wait(fixture: &Fixture) {
    let (service, operator) = (&fixture.service, caller(Role::Operator));
    // The one checkpoint of each of these stays, because it is its job's last good one.
    let only = |n: usize| NewCheckpoint { ttl_s: Some(10), ..new(&format!("only {n}"), "s", "{}") };
    let batch = (0..520).map(only).map(Ok).collect();
    service.create_checkpoints(&operator, DEFAULT_PROJECT, batch, true).await.unwrap();
    fixture.clock.advance(11);
    service.tidy().await.unwrap();
    for step in ["a", "b"] {
        let new = NewCheckpoint { ttl_s: Some(10), ..new("last", step, "{}") };
        service.create_checkpoint(&operator, DEFAULT_PROJECT, new).await.unwrap();
    }
    service.tidy().await.unwrap();
    assert_eq!(steps(service, "last").await, ["a", "b"]);
    fixture.clock.advance(11);
    service.tidy().await.unwrap();
    assert_eq!(steps(service, "last").await, ["b"]);
    assert_eq!(steps(service, "only 3").await, ["s"]);
}

async fn an_idle_job_expires_and_can_come_back(fixture: &Fixture) {
    let (service, operator) = (&fixture.service, caller(Role::Operator));
    let rules = JobRules { expire_job_after_idle_s: Some(86_400), ..JobRules::default() };
    let mut saved = None;
    for n in 0..3 {
        saved = Some(save(service, "j", n).await);
    }
    let saved = saved.unwrap().checkpoint_id;
    save(service, "other", 0).await;
    set(service, Some("j"), Some(&rules)).await;
    service.tidy().await.unwrap();
    assert_eq!(steps(service, "j").await.len(), 3);
    fixture.clock.advance(DAY_S);
    service.tidy().await.unwrap();
    assert!(steps(service, "j").await.is_empty());
    let error = service.get_checkpoint(&operator, &saved).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
    let (jobs, total) = service.list_jobs(&operator, DEFAULT_PROJECT, 0, 10).await.unwrap();
    assert_eq!((jobs.len(), total, jobs[0].job_id.as_str()), (1, 1, "other"));

    fixture.clock.advance(6 * DAY_S);
    service.tidy().await.unwrap();
    service.unexpire_job(&operator, DEFAULT_PROJECT, "j").await.unwrap();
    assert_eq!(steps(service, "j").await.len(), 3);
    service.get_checkpoint(&operator, &saved).await.unwrap();
    service.tidy().await.unwrap();
    assert_eq!(steps(service, "j").await.len(), 3, "it does not expire again at once");

    fixture.clock.advance(DAY_S);
    service.tidy().await.unwrap();
    assert!(steps(service, "j").await.is_empty());
    assert_eq!(save(service, "j", 3).await.sequence, 4, "a save brings it back");
    assert_eq!(steps(service, "j").await.len(), 4);

    fixture.clock.advance(DAY_S);
    service.tidy().await.unwrap();
    fixture.clock.advance(7 * DAY_S);
    service.tidy().await.unwrap();
    let error = service.unexpire_job(&operator, DEFAULT_PROJECT, "j").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
    assert_eq!(save(service, "j", 4).await.sequence, 5, "no sequence is given twice");
    assert_eq!(steps(service, "j").await, ["step_4"]);
    let ends: Vec<_> =
        fixture.actions().await.into_iter().filter(|action| action.starts_with("job.")).collect();
    let wanted = [
        "job.retention_changed",
        "job.expired",
        "job.unexpired",
        "job.expired",
        "job.unexpired",
        "job.expired",
        "job.removed",
    ];
    assert_eq!(ends, wanted);
    fixture.assert_audit().await;
}

async fn a_hold_keeps_a_job_from_expiring(fixture: &Fixture) {
    let (service, admin) = (&fixture.service, caller(Role::Admin));
    let rules = JobRules { expire_job_after_idle_s: Some(86_400), ..JobRules::default() };
    let held = save(service, "j", 0).await.checkpoint_id;
    set(service, None, Some(&rules)).await;
    service.hold_checkpoint(&admin, &held, "audit").await.unwrap();
    fixture.clock.advance(DAY_S + 1);
    service.tidy().await.unwrap();
    assert_eq!(steps(service, "j").await.len(), 1);
    service.release_checkpoint(&admin, &held).await.unwrap();
    service.tidy().await.unwrap();
    assert!(steps(service, "j").await.is_empty());
}

async fn a_plan_is_carried_out_on_its_own_job_alone(fixture: &Fixture) {
    let (service, operator) = (&fixture.service, caller(Role::Operator));
    for job in ["a", "b"] {
        for n in 0..3 {
            save(service, job, n).await;
        }
    }
    let rules = keep_last(1);
    let plan = service.plan_retention(&operator, DEFAULT_PROJECT, "a", Some(&rules)).await.unwrap();
    assert_eq!((plan.cleaned.deleted.len(), plan.reasons), (2, vec!["unkept"; 2]));
    let apply = |job: &'static str, plan: String| {
        let operator = &operator;
        async move { service.apply_retention(operator, DEFAULT_PROJECT, job, Some(&plan)).await }
    };
    assert_eq!(apply("b", plan.id.clone()).await.unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(apply("a", plan.id.clone()).await.unwrap().deleted, plan.cleaned.deleted);
    fixture.clock.advance(DAY_S + 1);
    assert_eq!(apply("a", plan.id).await.unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(steps(service, "b").await.len(), 3);
}

/// Each server looks at a job once, whoever comes first.
#[tokio::test]
async fn two_servers_retain_the_same_jobs_without_harm() {
    let fixture = Fixture::with(Database::sqlite(), settings()).await;
    let other = fixture.again(2).await;
    set(&other, None, Some(&keep_last(1))).await;
    for n in 0..20 {
        save(&fixture.service, &format!("j{}", n % 4), n).await;
    }
    let (first, second) = tokio::join!(fixture.service.tidy(), other.tidy());
    first.unwrap();
    second.unwrap();
    for job in 0..4 {
        assert_eq!(steps(&other, &format!("j{job}")).await, [format!("step_{}", 16 + job)]);
    }
}
