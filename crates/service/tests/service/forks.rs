//! Forks of executions: what they begin with, what they leave alone, and what they must not get around.

use backstay_model::execution::{ExecutionState, StepState};
use backstay_model::{ErrorKind, Role};
use backstay_service::view::{
    Execution, ExecutionFilter, ForkExecution, NewApproval, NewExecution, Steer, StepEnd,
};
use backstay_service::{DEFAULT_PROJECT, Service, ServiceError};

use crate::checkpoints::{keep_last, listed, new as new_checkpoint};
use crate::executions::{asked, begin, conflict, decide, id, new, no, shown, start, steer, step, well};
use crate::fixture::{Fixture, caller, caller_of};
use crate::on_both;

on_both!(
    a_fork_begins_where_the_other_stood,
    a_fork_begins_at_any_checkpoint_of_the_job,
    a_fork_without_a_state_begins_with_the_data_alone,
    a_fork_gets_around_no_approval,
    what_cannot_be_forked_is_told_and_leaves_nothing,
);

async fn fork(
    service: &Service,
    execution: &Execution,
    how: ForkExecution,
) -> Result<Execution, ServiceError> {
    service.fork_execution(&caller(Role::Operator), &execution.execution_id, how).await
}

/// Ends a step that leaves a state; returns the id of its checkpoint.
async fn leave(service: &Service, execution: &Execution, name: &str, state: &str) -> String {
    let begun = begin(service, execution, step(name, None)).await;
    let operator = caller(Role::Operator);
    let end = well(Some(state));
    let done = service.complete_step(&operator, &execution.execution_id, id(&begun), end).await.unwrap();
    done.checkpoint_id.unwrap()
}

async fn state_of(service: &Service, checkpoint: &str) -> String {
    service.get_checkpoint(&caller(Role::Viewer), checkpoint).await.unwrap().state
}

async fn a_fork_begins_where_the_other_stood(fixture: &Fixture) {
    let service = &fixture.service;
    let origin = start(service, "c").await;
    leave(service, &origin, "load", "{\"rows\":10}").await;
    let stood = leave(service, &origin, "parse", "{\"rows\":10,\"big\":12345678901234567890123}").await;
    let failing = begin(service, &origin, step("send", None)).await;
    let end = StepEnd { output_data: None, success: false, state: None };
    service.complete_step(&caller(Role::Operator), &origin.execution_id, id(&failing), end).await.unwrap();
    let before = shown(service, &origin).await;
    assert_eq!(before.state, ExecutionState::Failed);

    let how = ForkExecution { reason: Some("the disk was full".into()), ..ForkExecution::default() };
    let forked = fork(service, &origin, how).await.unwrap();
    assert_eq!((forked.state, forked.total_checkpoints), (ExecutionState::Running, 0));
    assert_eq!((&forked.correlation_id, &forked.global_data), (&origin.correlation_id, &origin.global_data));
    assert_eq!(forked.job_id, forked.execution_id, "a job of its own");
    let from = forked.forked_from.clone().unwrap();
    assert_eq!((&from.execution_id, from.checkpoint_id), (&origin.execution_id, Some(stood.clone())));
    assert_eq!(shown(service, &forked).await, forked);
    assert_eq!(shown(&fixture.again(2).await, &forked).await, forked, "after a restart, too");
    assert_eq!(shown(service, &origin).await, before, "the old one stays as it is");

    let saved = listed(service, &forked.job_id).await;
    assert_eq!(saved.len(), 1);
    assert_eq!((&*saved[0].step_name, &saved[0].execution_id), ("parse", &Some(forked.execution_id.clone())));
    assert_eq!(state_of(service, &saved[0].checkpoint_id).await, state_of(service, &stood).await);
    let stays =
        service.delete_checkpoint(&caller(Role::Operator), &saved[0].checkpoint_id).await.unwrap_err();
    assert_eq!(stays.word(), "needed", "the open execution stands at it");
    leave(service, &forked, "send", "{\"sent\":true}").await;
    assert_eq!(steer(service, &forked, Steer::Complete).await.unwrap().state, ExecutionState::Completed);

    let viewer = caller(Role::Viewer);
    let events = service.execution_events(&viewer, &origin.execution_id, 0, 100).await.unwrap().events;
    let last = events.last().unwrap();
    assert_eq!(
        (&*last.action, &last.data.value()["forked_to"]),
        ("execution.forked", &forked.execution_id.clone().into())
    );
    assert_eq!(last.data.value()["reason"], "the disk was full");
    let events = service.execution_events(&viewer, &forked.execution_id, 0, 100).await.unwrap().events;
    assert_eq!(
        (&*events[0].action, &events[0].data.value()["forked_from"]),
        ("execution.running", &origin.execution_id.clone().into())
    );
    fixture.assert_audit().await;
}

async fn a_fork_begins_at_any_checkpoint_of_the_job(fixture: &Fixture) {
    let service = &fixture.service;
    let operator = caller(Role::Operator);
    let origin = NewExecution { job_id: Some("j".into()), ..new("c") };
    let origin = service.start_execution(&operator, DEFAULT_PROJECT, origin).await.unwrap();
    let first = leave(service, &origin, "load", "{\"rows\":1}").await;
    leave(service, &origin, "parse", "{\"rows\":2}").await;
    let how = ForkExecution {
        checkpoint_id: Some(first.clone()),
        job_id: Some("j".into()),
        correlation_id: Some("again".into()),
        reason: None,
    };
    let forked = fork(service, &origin, how.clone()).await.unwrap();
    assert_eq!((&*forked.job_id, &*forked.correlation_id), ("j", "again"));
    let saved = listed(service, "j").await;
    assert_eq!(saved.len(), 3);
    assert_eq!(saved[2].parent_id.as_ref(), Some(&first), "a branch of the job");
    assert_eq!(state_of(service, &saved[2].checkpoint_id).await, "{\"rows\":1}");
    // A fork is an execution like any other, and can be forked itself.
    let again = fork(service, &forked, ForkExecution::default()).await.unwrap();
    let from = again.forked_from.unwrap();
    assert_eq!(
        (from.execution_id, from.checkpoint_id),
        (forked.execution_id, Some(saved[2].checkpoint_id.clone()))
    );
    let other = ForkExecution { job_id: Some("k".into()), ..how };
    let mut tasks = Vec::new();
    for _ in 0..8 {
        let (service, origin, other) = (service.clone(), origin.clone(), other.clone());
        tasks.push(tokio::spawn(async move { fork(&service, &origin, other).await.unwrap().execution_id }));
    }
    let mut ids = std::collections::HashSet::new();
    for task in tasks {
        ids.insert(task.await.unwrap());
    }
    assert_eq!((ids.len(), listed(service, "k").await.len()), (8, 8));
}

async fn a_fork_without_a_state_begins_with_the_data_alone(fixture: &Fixture) {
    let service = &fixture.service;
    let origin = start(service, "c").await;
    steer(service, &origin, Steer::Cancel).await.unwrap();
    let forked = fork(service, &origin, ForkExecution::default()).await.unwrap();
    assert_eq!(forked.forked_from.as_ref().unwrap().checkpoint_id, None);
    assert_eq!(forked.global_data, origin.global_data);
    assert!(listed(service, &forked.job_id).await.is_empty());
    leave(service, &forked, "load", "{\"rows\":1}").await;
    assert_eq!(listed(service, &forked.job_id).await.len(), 1);
}

async fn a_fork_gets_around_no_approval(fixture: &Fixture) {
    let service = &fixture.service;
    let origin = NewExecution { job_id: Some("j".into()), ..new("c") };
    let operator = caller(Role::Operator);
    let origin = service.start_execution(&operator, DEFAULT_PROJECT, origin).await.unwrap();
    leave(service, &origin, "load", "{\"rows\":1}").await;
    let sibling = NewExecution { job_id: Some("j".into()), ..new("d") };
    let sibling = service.start_execution(&operator, DEFAULT_PROJECT, sibling).await.unwrap();
    let timed = NewApproval { timeout_s: Some(60), ..asked() };
    let sending = begin(service, &origin, step("send", Some(timed))).await;
    let waits = "Checkpoint send is waiting for approval";
    for each in [&origin, &sibling] {
        conflict(fork(service, each, ForkExecution::default()).await, waits);
        let elsewhere = ForkExecution { job_id: Some("k".into()), ..ForkExecution::default() };
        conflict(fork(service, each, elsewhere).await, waits);
    }
    assert_eq!(listed(service, "j").await.len(), 1, "what is refused saves nothing");
    fixture.clock.advance(61);
    let forked = fork(service, &origin, ForkExecution::default()).await.unwrap();
    assert_eq!(forked.state, ExecutionState::Running);
    let viewer = caller(Role::Viewer);
    let denied = service.get_step(&viewer, &origin.execution_id, &id(&sending)).await.unwrap();
    assert_eq!(denied.state, StepState::Skipped, "the deadline that passed denied it");
    let asking = begin(service, &forked, step("send", Some(asked()))).await;
    decide(service, Role::Operator, &forked, &asking, no()).await.unwrap();
    fork(service, &forked, ForkExecution::default()).await.unwrap();
}

async fn what_cannot_be_forked_is_told_and_leaves_nothing(fixture: &Fixture) {
    let (service, operator) = (&fixture.service, caller(Role::Operator));
    let origin = start(service, "c").await;
    let stood = leave(service, &origin, "load", "{\"rows\":1}").await;
    let foreign = new_checkpoint("other", "s", "{}");
    let foreign = service.create_checkpoint(&operator, DEFAULT_PROJECT, foreign).await.unwrap();
    for (how, field) in [
        (ForkExecution { checkpoint_id: Some(foreign.checkpoint_id), ..Default::default() }, "checkpoint_id"),
        (ForkExecution { job_id: Some(String::new()), ..Default::default() }, "job_id"),
        (ForkExecution { job_id: Some("x".repeat(513)), ..Default::default() }, "job_id"),
        (ForkExecution { correlation_id: Some(String::new()), ..Default::default() }, "correlation_id"),
        (ForkExecution { reason: Some("x".repeat(2001)), ..Default::default() }, "reason"),
    ] {
        let error = fork(service, &origin, how).await.unwrap_err();
        assert_eq!((error.kind, &*error.fields[0].field), (ErrorKind::Invalid, field));
    }
    let missing = ForkExecution { checkpoint_id: Some("x_1_00000000".into()), ..Default::default() };
    assert_eq!(fork(service, &origin, missing).await.unwrap_err().kind, ErrorKind::NotFound);
    let viewer = caller(Role::Viewer);
    let error = service.fork_execution(&viewer, &origin.execution_id, ForkExecution::default()).await;
    assert_eq!(error.unwrap_err().kind, ErrorKind::Forbidden);
    let stranger = caller_of("other", Role::Admin);
    let error = service.fork_execution(&stranger, &origin.execution_id, ForkExecution::default()).await;
    assert_eq!(error.unwrap_err().kind, ErrorKind::NotFound);

    steer(service, &origin, Steer::Cancel).await.unwrap();
    let newer = new_checkpoint(&origin.job_id, "newer", "{\"rows\":2}");
    let newer = service.create_checkpoint(&operator, DEFAULT_PROJECT, newer).await.unwrap();
    let rules = keep_last(1);
    let cleaned = service.clean_job(&operator, DEFAULT_PROJECT, &origin.job_id, &rules, false).await.unwrap();
    assert_eq!(cleaned.deleted, [stood]);
    let gone = fork(service, &origin, ForkExecution::default()).await;
    conflict(gone, "The checkpoint at which the execution stands is gone");
    let filter = ExecutionFilter { limit: 10, ..ExecutionFilter::default() };
    assert_eq!(service.list_executions(&operator, DEFAULT_PROJECT, &filter).await.unwrap().total, 1);
    let named = ForkExecution { checkpoint_id: Some(newer.checkpoint_id), ..Default::default() };
    let forked = fork(service, &origin, named).await.unwrap();
    assert_eq!(listed(service, &forked.job_id).await.len(), 1);
}
