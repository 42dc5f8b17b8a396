//! Resumes: what is kept safe, what is under way, what is late, and what a crash left.

use std::sync::Arc;
use std::time::Duration;

use backstay_model::execution::{Capability, ResumeState};
use backstay_model::{ErrorKind, Role};
use backstay_service::DEFAULT_PROJECT;
use backstay_service::view::{NewExecutor, NewThreadCheckpoint, ThreadKey, TypedValue};
use serde_json::{Value, json};
use sha2::Digest;
use tokio::sync::Notify;

use crate::checkpoints::{listed, new as new_checkpoint};
use crate::executions::{asked, new as new_execution, step};
use crate::executors::{Answer, at, body, epoch, job, listener, register, restore, resume_of, yes};
use crate::fixture::{Fixture, caller};
use crate::on_both;
use crate::webhooks::expected_signature;

on_both!(
    backstay_service::Settings { webhooks_to_private_addresses: true, ..crate::fixture::settings() };
    one_that_hangs_is_given_up_and_can_confirm_late,
    a_late_confirmation_is_refused_when_the_job_went_on_elsewhere,
    nothing_is_sent_while_an_approval_is_pending_or_a_resume_is_under_way,
    the_present_state_is_captured_before_or_the_newest_is_pinned,
    a_pin_for_safety_ends_after_seven_days_unless_somebody_keeps_it,
    what_a_crash_left_under_way_ends_by_itself,
    a_large_state_is_told_where_it_is,
    a_thread_is_resumed_with_its_key,
);

async fn one_that_hangs_is_given_up_and_can_confirm_late(fixture: &Fixture) {
    let (service, operator) = (&fixture.service, caller(Role::Operator));
    let (url, _) = listener(vec![Answer::Never]).await;
    register(service, NewExecutor { timeout_s: 1, ..at("worker", &url) }).await;
    let second = job(service, "j").await;
    let restored = restore(service, &second).await.unwrap();
    assert_eq!(
        restored.message,
        "Checkpoint restored but failed to resume: the executor did not answer in time"
    );
    assert_eq!(resume_of(service, &restored).await.state, ResumeState::Failed);
    let id = restored.resume_id.clone().unwrap();
    let late = service.confirm_resume(&operator, &id, true, None).await.unwrap();
    assert_eq!((late.state, late.failure), (ResumeState::Confirmed, None));
    assert_eq!(
        service.confirm_resume(&operator, &id, true, None).await.unwrap().state,
        ResumeState::Confirmed
    );
    assert_eq!(epoch(service, "j").await, 1);
    let resumed = fixture.actions().await.into_iter().filter(|action| action == "job.resumed").count();
    assert_eq!(resumed, 1);
    let error = service.confirm_resume(&operator, &id, false, Some("no")).await.unwrap_err();
    assert_eq!((error.kind, &*error.message), (ErrorKind::Conflict, "The resume is confirmed already"));
    let error = service.confirm_resume(&caller(Role::Viewer), &id, true, None).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Forbidden);
}

async fn a_late_confirmation_is_refused_when_the_job_went_on_elsewhere(fixture: &Fixture) {
    let (service, operator) = (&fixture.service, caller(Role::Operator));
    let (url, _) =
        listener(vec![Answer::Never, yes(), Answer::Never, Answer::With(500, String::new())]).await;
    register(service, NewExecutor { timeout_s: 1, ..at("worker", &url) }).await;
    let second = job(service, "j").await;
    let first = restore(service, &second).await.unwrap().resume_id.unwrap();
    assert_eq!(restore(service, &second).await.unwrap().job_status, "resumed");
    let superseded = "Another resume of job j was begun since";
    let error = service.confirm_resume(&operator, &first, true, None).await.unwrap_err();
    assert_eq!((error.kind, &*error.message), (ErrorKind::Conflict, superseded));
    assert_eq!(epoch(service, "j").await, 1);
    // Also when the newer one failed: nobody knows whether its executor goes on.
    let third = restore(service, &second).await.unwrap().resume_id.unwrap();
    restore(service, &second).await.unwrap();
    let error = service.confirm_resume(&operator, &third, true, None).await.unwrap_err();
    assert_eq!(error.message, superseded);

    // Nothing bypasses a pending approval, not even a late confirmation.
    let fifth = restore(service, &second).await.unwrap().resume_id.unwrap();
    let execution = backstay_service::view::NewExecution { job_id: Some("j".into()), ..new_execution("c") };
    let execution = service.start_execution(&operator, DEFAULT_PROJECT, execution).await.unwrap();
    service.create_step(&operator, &execution.execution_id, step("send", Some(asked()))).await.unwrap();
    let error = service.confirm_resume(&operator, &fifth, true, None).await.unwrap_err();
    assert_eq!(error.message, "Checkpoint send is waiting for approval");
    assert_eq!(epoch(service, "j").await, 1);
}

async fn nothing_is_sent_while_an_approval_is_pending_or_a_resume_is_under_way(fixture: &Fixture) {
    let (service, operator) = (&fixture.service, caller(Role::Operator));
    let told = Arc::new(Notify::new());
    let (url, received) = listener(vec![Answer::When(Arc::clone(&told))]).await;
    register(service, at("worker", &url)).await;
    let second = job(service, "j").await;
    let execution = backstay_service::view::NewExecution { job_id: Some("j".into()), ..new_execution("c") };
    let execution = service.start_execution(&operator, DEFAULT_PROJECT, execution).await.unwrap();
    let asking = service.create_step(&operator, &execution.execution_id, step("send", Some(asked()))).await;
    let error = restore(service, &second).await.unwrap_err();
    assert_eq!(
        (error.kind, &*error.message),
        (ErrorKind::Conflict, "Checkpoint send is waiting for approval")
    );
    assert!(received.lock().unwrap().is_empty());
    let which = backstay_service::view::WhichStep::Id(asking.unwrap().step_id);
    let approve = backstay_service::view::NewDecision { approved: true, reason: None, values: None };
    service.decide_approval(&operator, &execution.execution_id, &which, approve).await.unwrap();

    let first = {
        let (service, second) = (service.clone(), second.clone());
        tokio::spawn(async move { restore(&service, &second).await })
    };
    while received.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    let error = restore(service, &second).await.unwrap_err();
    assert_eq!((error.kind, &*error.message), (ErrorKind::Conflict, "A resume of job j is under way"));
    let error = service.delete_checkpoint(&operator, &second).await.unwrap_err();
    assert_eq!(error.word(), "needed");
    // Without a resume the state is handed back all the same.
    service.restore_checkpoint(&operator, &second, false, None).await.unwrap();
    told.notify_one();
    assert_eq!(first.await.unwrap().unwrap().job_status, "resumed");
    assert_eq!(received.lock().unwrap().len(), 1);
}

async fn the_present_state_is_captured_before_or_the_newest_is_pinned(fixture: &Fixture) {
    let service = &fixture.service;
    let captured = json!({"accepted": true, "state": {"present": 1}}).to_string();
    let (url, received) = listener(vec![
        Answer::With(200, captured),
        yes(),
        Answer::With(500, String::new()),
        yes(),
        Answer::With(200, json!({"accepted": true, "state": [1]}).to_string()),
        yes(),
    ])
    .await;
    let both = vec![Capability::Resume, Capability::Capture];
    let executor = register(service, NewExecutor { capabilities: both, ..at("worker", &url) }).await;
    let second = job(service, "j").await;
    let restored = restore(service, &second).await.unwrap();
    let safety = restored.safety_checkpoint_id.clone().unwrap();
    let saved = service.get_checkpoint(&caller(Role::Viewer), &safety).await.unwrap();
    assert_eq!((&*saved.state, &*saved.checkpoint.step_name), ("{\"present\":1}", "safety"));
    assert!(saved.checkpoint.pinned);
    assert_eq!(listed(service, "j").await.len(), 4);
    {
        let received = received.lock().unwrap();
        assert_eq!(body(&received[0])["type"], "job.capture");
        assert_eq!(
            received[0].header("webhook-signature"),
            expected_signature(&executor.secret, &received[0])
        );
        assert_ne!(received[0].header("webhook-id"), received[1].header("webhook-id"));
    }
    for _ in 0..2 {
        let restored = restore(service, &second).await.unwrap();
        assert_eq!(restored.job_status, "resumed", "a state that cannot be had is no reason to stop");
        assert_eq!(restored.safety_checkpoint_id.as_ref(), Some(&safety), "the newest");
    }
    assert_eq!(listed(service, "j").await.len(), 4);
}

async fn a_pin_for_safety_ends_after_seven_days_unless_somebody_keeps_it(fixture: &Fixture) {
    let (service, operator) = (&fixture.service, caller(Role::Operator));
    let (url, _) = listener(vec![yes()]).await;
    register(service, at("worker", &url)).await;
    let pinned = async |job: &str| -> Vec<bool> {
        listed(service, job).await.iter().map(|item| item.pinned).collect()
    };
    let mut restored = Vec::new();
    for name in ["left", "again", "kept", "before"] {
        let second = job(service, name).await;
        let newest = listed(service, name).await[2].checkpoint_id.clone();
        if name == "before" {
            service.pin_checkpoint(&operator, &newest, true).await.unwrap();
        }
        let made = restore(service, &second).await.unwrap();
        assert_eq!(made.safety_checkpoint_id.as_ref(), Some(&newest));
        assert_eq!(pinned(name).await, [false, false, true]);
        restored.push((second, newest));
    }
    fixture.clock.advance(6 * 86_400);
    restore(service, &restored[1].0).await.unwrap();
    service.pin_checkpoint(&operator, &restored[2].1, true).await.unwrap();
    service.tidy().await.unwrap();
    assert_eq!(pinned("left").await, [false, false, true], "seven days are not over");
    fixture.clock.advance(86_400);
    service.tidy().await.unwrap();
    assert_eq!(pinned("left").await, [false, false, false]);
    for name in ["again", "kept", "before"] {
        assert_eq!(pinned(name).await, [false, false, true], "{name}");
    }
    fixture.clock.advance(7 * 86_400);
    service.tidy().await.unwrap();
    assert_eq!(pinned("again").await, [false, false, false]);
    for name in ["kept", "before"] {
        assert_eq!(pinned(name).await, [false, false, true], "{name}: a person pinned it");
    }
}

async fn what_a_crash_left_under_way_ends_by_itself(fixture: &Fixture) {
    let service = &fixture.service;
    let pull = NewExecutor { url: None, timeout_s: 100, ..at("puller", "") };
    let id = register(service, pull).await.executor.executor_id;
    let second = job(service, "j").await;
    let restoring = {
        let (service, second) = (service.clone(), second.clone());
        tokio::spawn(async move { restore(&service, &second).await })
    };
    let operator = caller(Role::Operator);
    let message = service.poll_executor(&operator, &id, Duration::from_mins(5)).await.unwrap().unwrap();
    // Another server goes on after this one is gone.
    let other = fixture.again(2).await;
    fixture.clock.advance(129);
    other.tidy().await.unwrap();
    assert_eq!(other.get_resume(&operator, &message.id).await.unwrap().state, ResumeState::Delivering);
    fixture.clock.advance(1);
    other.tidy().await.unwrap();
    let ended = other.get_resume(&operator, &message.id).await.unwrap();
    assert_eq!(
        (ended.state, ended.failure.as_deref()),
        (ResumeState::Failed, Some("the executor did not answer in time"))
    );
    // Whoever waits for it is told the same.
    let restored = restoring.await.unwrap().unwrap();
    assert_eq!(
        restored.message,
        "Checkpoint restored but failed to resume: the executor did not answer in time"
    );
    // The executor had taken it, and says so.
    other.confirm_resume(&operator, &message.id, true, None).await.unwrap();
    assert_eq!(epoch(&other, "j").await, 1);
    fixture.assert_audit().await;
}

async fn a_large_state_is_told_where_it_is(fixture: &Fixture) {
    let service = &fixture.service;
    let (url, received) = listener(vec![yes()]).await;
    register(service, at("worker", &url)).await;
    let state = format!("{{\"filler\":\"{}\"}}", "x".repeat(1 << 20));
    let new = new_checkpoint("j", "big", &state);
    let made = service.create_checkpoint(&caller(Role::Operator), DEFAULT_PROJECT, new).await.unwrap();
    assert_eq!(restore(service, &made.checkpoint_id).await.unwrap().job_status, "resumed");
    let sent = body(&received.lock().unwrap()[0])["data"].clone();
    assert_eq!(sent["state"], Value::Null);
    assert_eq!(sent["state_url"], format!("/api/checkpoints/{}", made.checkpoint_id));
    let hash = sha2::Sha256::digest(state.as_bytes());
    let expected = hash.iter().fold("sha256:".to_owned(), |text, byte| format!("{text}{byte:02x}"));
    assert_eq!(sent["state_hash"], expected);
}

async fn a_thread_is_resumed_with_its_key(fixture: &Fixture) {
    let service = &fixture.service;
    let (url, received) = listener(vec![yes()]).await;
    register(service, at("worker", &url)).await;
    let put = NewThreadCheckpoint {
        key: ThreadKey { thread_id: "t/1".into(), namespace: "sub".into(), checkpoint_id: "1ef".into() },
        parent: None,
        head: TypedValue { value_type: "json".into(), data: b"{}".to_vec() },
        metadata: "{}".into(),
        changed: vec![],
        keep: vec![],
    };
    service.put_thread_checkpoint(&caller(Role::Operator), DEFAULT_PROJECT, put).await.unwrap();
    let id = listed(service, "t/1").await[0].checkpoint_id.clone();
    assert_eq!(restore(service, &id).await.unwrap().job_status, "resumed");
    let sent = body(&received.lock().unwrap()[0])["data"].clone();
    assert_eq!(sent["form"], "typed");
    assert_eq!(sent["key"], json!({"thread_id": "t/1", "checkpoint_ns": "sub", "checkpoint_id": "1ef"}));
}
