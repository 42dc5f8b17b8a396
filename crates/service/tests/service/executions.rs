//! Executions: what nothing may bypass, deadlines, restarts, many at once.

use std::time::Duration;

use backstay_model::execution::{ApprovalStatus, DeadlineDefault, ExecutionState, OnDeny, StepState};
use backstay_model::{ErrorKind, Role};
use backstay_service::view::{
    ApprovalFilter, Execution, ExecutionFilter, NewApproval, NewDecision, NewExecution, NewStep, Steer, Step,
    StepEnd, WhichStep,
};
use backstay_service::{DEFAULT_PROJECT, Service, ServiceError, State};

use crate::checkpoints::{keep_last, listed, new as new_checkpoint, tamper};
use crate::fixture::{Fixture, caller, caller_of};
use crate::on_both;

on_both!(
    a_restart_changes_nothing,
    the_state_of_a_step_is_saved_with_its_end_or_neither,
    names_may_come_twice_and_what_is_ended_stays,
    what_an_open_execution_stands_at_is_kept,
    old_executions_go_and_open_ones_stay,
    records_are_sealed,
    an_open_execution_keeps_its_job_from_expiring,
    of_an_ended_execution_the_newest_checkpoints_stay,
    other_tenants_see_nothing,
    a_damaged_record_is_told_and_hides_no_other,
);

pub(crate) fn new(correlation: &str) -> NewExecution {
    NewExecution {
        correlation_id: correlation.into(),
        workflow_name: "nightly".into(),
        initial_data: Some(State::parse("{\"secret\":12345678901234567890123}").unwrap()),
        job_id: None,
    }
}

pub(crate) fn step(name: &str, approval: Option<NewApproval>) -> NewStep {
    NewStep {
        checkpoint_name: name.into(),
        agent_id: "agent".into(),
        input_data: None,
        approval,
        metadata: None,
    }
}

pub(crate) fn asked() -> NewApproval {
    NewApproval {
        title: None,
        roles: vec![],
        users: vec![],
        min_approvals: 1,
        four_eyes: false,
        timeout_s: None,
        deadline: None,
        default: DeadlineDefault::Deny,
        on_deny: OnDeny::Pause,
        form: None,
    }
}

pub(crate) fn well(state: Option<&str>) -> StepEnd {
    StepEnd { output_data: None, success: true, state: state.map(|state| State::parse(state).unwrap()) }
}

pub(crate) fn yes() -> NewDecision {
    NewDecision { approved: true, reason: None, values: None }
}

pub(crate) fn no() -> NewDecision {
    NewDecision { approved: false, reason: Some("not today".into()), values: None }
}

pub(crate) async fn start(service: &Service, correlation: &str) -> Execution {
    service.start_execution(&caller(Role::Operator), DEFAULT_PROJECT, new(correlation)).await.unwrap()
}

pub(crate) async fn begin(service: &Service, execution: &Execution, new: NewStep) -> Step {
    service.create_step(&caller(Role::Operator), &execution.execution_id, new).await.unwrap()
}

pub(crate) fn id(step: &Step) -> WhichStep {
    WhichStep::Id(step.step_id.clone())
}

pub(crate) async fn shown(service: &Service, execution: &Execution) -> Execution {
    service.get_execution(&caller(Role::Viewer), &execution.execution_id).await.unwrap()
}

pub(crate) async fn decide(
    service: &Service,
    role: Role,
    execution: &Execution,
    step: &Step,
    decision: NewDecision,
) -> Result<Step, ServiceError> {
    service.decide_approval(&caller(role), &execution.execution_id, &id(step), decision).await
}

pub(crate) async fn steer(
    service: &Service,
    execution: &Execution,
    steer: Steer,
) -> Result<Execution, ServiceError> {
    let operator = caller(Role::Operator);
    service.steer_execution(&operator, &execution.execution_id, steer, Some("because"), None).await
}

pub(crate) fn conflict<T: std::fmt::Debug>(result: Result<T, ServiceError>, message: &str) {
    let error = result.unwrap_err();
    assert_eq!((error.kind, &*error.message), (ErrorKind::Conflict, message));
}

async fn a_restart_changes_nothing(fixture: &Fixture) {
    let execution = start(&fixture.service, "c").await;
    let timed = NewApproval { timeout_s: Some(3600), min_approvals: 2, ..asked() };
    let sending = begin(&fixture.service, &execution, step("send", Some(timed))).await;
    decide(&fixture.service, Role::Admin, &execution, &sending, yes()).await.unwrap();
    steer(&fixture.service, &execution, Steer::Pause).await.unwrap();
    let viewer = caller(Role::Viewer);
    let before = (
        shown(&fixture.service, &execution).await,
        fixture.service.get_step(&viewer, &execution.execution_id, &id(&sending)).await.unwrap(),
    );
    let other = fixture.again(2).await;
    let after = (
        shown(&other, &execution).await,
        other.get_step(&viewer, &execution.execution_id, &id(&sending)).await.unwrap(),
    );
    assert_eq!(before, after);
    assert_eq!(before.0.global_data, "{\"secret\":12345678901234567890123}");
    let approved = decide(&other, Role::Technical, &execution, &sending, yes()).await.unwrap();
    assert_eq!(approved.state, StepState::Paused, "the person's pause still stands");
}

async fn the_state_of_a_step_is_saved_with_its_end_or_neither(fixture: &Fixture) {
    let (service, operator) = (&fixture.service, caller(Role::Operator));
    let execution = start(service, "c").await;
    let loading = begin(service, &execution, step("load", None)).await;
    let done = service
        .complete_step(&operator, &execution.execution_id, id(&loading), well(Some("{\"rows\":10}")))
        .await
        .unwrap();
    let saved = service.get_checkpoint(&operator, done.checkpoint_id.as_ref().unwrap()).await.unwrap();
    assert_eq!((&*saved.state, &*saved.checkpoint.step_name), ("{\"rows\":10}", "load"));
    assert_eq!(saved.checkpoint.execution_id.as_ref(), Some(&execution.execution_id));
    let again =
        service.complete_step(&operator, &execution.execution_id, id(&loading), well(Some("{}"))).await;
    conflict(again, "Checkpoint load is completed already");
    assert_eq!(listed(service, &execution.job_id).await.len(), 1, "what is refused saves nothing");

    let failing = begin(service, &execution, step("parse", None)).await;
    let output = State::parse("{\"error\":\"bad line 7\"}").unwrap();
    let end = StepEnd { output_data: Some(output), success: false, state: None };
    let failed = service.complete_step(&operator, &execution.execution_id, id(&failing), end).await.unwrap();
    assert_eq!(failed.error_details.as_deref(), Some("bad line 7"));
    let ended = shown(service, &execution).await;
    assert_eq!(
        (ended.state, ended.failed_checkpoints, ended.completed_checkpoints),
        (ExecutionState::Failed, 1, 1)
    );
    assert_eq!(ended.current_checkpoint, None);

    // Ends of steps and saves of others share transactions.
    let mut tasks = Vec::new();
    for n in 0..10 {
        let (service, operator) = (service.clone(), operator.clone());
        tasks.push(tokio::spawn(async move {
            let execution = start(&service, &format!("c{n}")).await;
            let first = begin(&service, &execution, step("same", None)).await;
            let second = begin(&service, &execution, step("same", None)).await;
            assert_eq!((first.attempt, second.attempt), (1, 2));
            let named = WhichStep::Named("same".into());
            let both = service.complete_step(&operator, &execution.execution_id, named, well(None)).await;
            conflict(both, "Several open checkpoints are named same");
            for each in [&first, &second] {
                service
                    .complete_step(&operator, &execution.execution_id, id(each), well(Some("{\"n\":1}")))
                    .await
                    .unwrap();
            }
            assert_eq!(listed(&service, &execution.job_id).await.len(), 2);
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    fixture.assert_audit().await;
}

async fn names_may_come_twice_and_what_is_ended_stays(fixture: &Fixture) {
    let (service, operator) = (&fixture.service, caller(Role::Operator));
    let (one, two) = (start(service, "same").await, start(service, "same").await);
    assert_ne!(one.execution_id, two.execution_id);
    let filter = ExecutionFilter { limit: 10, ..ExecutionFilter::default() };
    let page = service.list_executions(&operator, DEFAULT_PROJECT, &filter).await.unwrap();
    let ids: Vec<_> = page.items.iter().map(|execution| &execution.execution_id).collect();
    assert_eq!((page.total, ids), (2, vec![&two.execution_id, &one.execution_id]));
    steer(service, &one, Steer::Cancel).await.unwrap();
    let new = step("late", None);
    conflict(
        service.create_step(&operator, &one.execution_id, new).await,
        "The execution is cancelled already",
    );
    let running = ExecutionFilter { state: Some(ExecutionState::Running), ..filter };
    assert_eq!(service.list_executions(&operator, DEFAULT_PROJECT, &running).await.unwrap().total, 1);
    for wrong in ["nothing", "exec_other_1767435330_00000000", "exec_nightly_1767435330_00000000"] {
        let error = service.get_execution(&operator, wrong).await.unwrap_err();
        assert_eq!(
            (error.kind, error.message),
            (ErrorKind::NotFound, format!("Execution not found: {wrong}"))
        );
    }
    let error =
        service.get_step(&operator, &two.execution_id, &WhichStep::Named("x".into())).await.unwrap_err();
    assert_eq!((error.kind, &*error.message), (ErrorKind::NotFound, "Checkpoint not found: x"));
}

async fn what_an_open_execution_stands_at_is_kept(fixture: &Fixture) {
    let (service, operator) = (&fixture.service, caller(Role::Operator));
    let execution = NewExecution { job_id: Some("j".into()), ..new("c") };
    let execution = service.start_execution(&operator, DEFAULT_PROJECT, execution).await.unwrap();
    let loading = begin(service, &execution, step("load", None)).await;
    let end = well(Some("{\"rows\":10}"));
    let done = service.complete_step(&operator, &execution.execution_id, id(&loading), end).await.unwrap();
    let needed = done.checkpoint_id.unwrap();
    for n in 0..3 {
        let new = new_checkpoint("j", &format!("other {n}"), "{}");
        service.create_checkpoint(&operator, DEFAULT_PROJECT, new).await.unwrap();
    }
    let rules = keep_last(1);
    let clean = || service.clean_job(&operator, DEFAULT_PROJECT, "j", &rules, false);
    let kept = clean().await.unwrap().kept;
    assert_eq!(kept.iter().map(|(_, reason)| reason.as_str()).collect::<Vec<_>>(), ["execution", "newest"]);
    let error = service.delete_checkpoint(&operator, &needed).await.unwrap_err();
    assert_eq!((error.kind, error.word()), (ErrorKind::Conflict, "needed"), "{error}");
    let asking = begin(service, &execution, step("send", Some(asked()))).await;
    assert_eq!(clean().await.unwrap().kept[0].1.as_str(), "approval");
    decide(service, Role::Operator, &execution, &asking, no()).await.unwrap();
    steer(service, &execution, Steer::Cancel).await.unwrap();
    assert_eq!(clean().await.unwrap().deleted, [needed]);
}

async fn old_executions_go_and_open_ones_stay(fixture: &Fixture) {
    let (service, operator) = (&fixture.service, caller(Role::Operator));
    let (open, ended) = (start(service, "open").await, start(service, "ended").await);
    begin(service, &ended, step("load", None)).await;
    steer(service, &ended, Steer::Fail).await.unwrap();
    let clean = |days, dry_run| service.clean_executions(&operator, DEFAULT_PROJECT, days, dry_run);
    assert_eq!(clean(30, false).await.unwrap().deleted.len(), 0);
    fixture.clock.advance(31 * 86_400);
    let shown_first = clean(30, true).await.unwrap();
    assert_eq!(clean(30, false).await.unwrap(), shown_first);
    assert_eq!(shown_first.deleted, std::slice::from_ref(&ended.execution_id));
    assert_eq!(
        service.get_execution(&operator, &ended.execution_id).await.unwrap_err().kind,
        ErrorKind::NotFound
    );
    assert_eq!(shown(service, &open).await.state, ExecutionState::Running);
    let next = start(service, "next").await;
    assert_ne!(next.execution_id, ended.execution_id);
}

async fn records_are_sealed(fixture: &Fixture) {
    let execution = start(&fixture.service, "a-secret-correlation").await;
    begin(&fixture.service, &execution, step("a-secret-step", Some(asked()))).await;
    if let crate::fixture::Database::Sqlite(directory) = &fixture.database {
        let mut found = 0;
        for entry in std::fs::read_dir(directory.path()).unwrap() {
            let bytes = std::fs::read(entry.unwrap().path()).unwrap();
            found += bytes.windows(20).filter(|part| *part == b"a-secret-correlation").count();
        }
        assert_eq!(found, 0);
    }
}

pub(crate) fn inbox(compare: bool) -> ApprovalFilter {
    ApprovalFilter { status: ApprovalStatus::Pending, project: None, compare, offset: 0, limit: 20 }
}

async fn an_open_execution_keeps_its_job_from_expiring(fixture: &Fixture) {
    let (service, operator) = (&fixture.service, caller(Role::Operator));
    let execution = NewExecution { job_id: Some("idle".into()), ..new("c") };
    let execution = service.start_execution(&operator, DEFAULT_PROJECT, execution).await.unwrap();
    let rules = backstay_model::retention::job::JobRules {
        expire_job_after_idle_s: Some(86_400),
        ..Default::default()
    };
    let admin = caller(Role::Admin);
    service.set_retention(&admin, DEFAULT_PROJECT, Some("idle"), Some(&rules)).await.unwrap();
    let expired = || async { fixture.actions().await.contains(&"job.expired".to_owned()) };
    fixture.clock.advance(2 * 86_400);
    service.tidy().await.unwrap();
    assert!(!expired().await);
    steer(service, &execution, Steer::Cancel).await.unwrap();
    fixture.clock.advance(3600);
    service.tidy().await.unwrap();
    assert!(expired().await);
    assert_eq!(shown(service, &execution).await.state, ExecutionState::Cancelled, "the history stays");
}

async fn of_an_ended_execution_the_newest_checkpoints_stay(fixture: &Fixture) {
    let (service, operator) = (&fixture.service, caller(Role::Operator));
    let run = async |correlation: &str| {
        let new = NewExecution { job_id: Some("runs".into()), ..new(correlation) };
        service.start_execution(&operator, DEFAULT_PROJECT, new).await.unwrap()
    };
    let work = async |execution: &Execution, steps: usize| {
        for n in 0..steps {
            let begun =
                begin(service, execution, step(&format!("{}_{n}", execution.correlation_id), None)).await;
            let end = well(Some("{\"done\":true}"));
            service.complete_step(&operator, &execution.execution_id, id(&begun), end).await.unwrap();
        }
    };
    let steps = async || -> Vec<String> {
        listed(service, "runs").await.into_iter().map(|item| item.step_name).collect()
    };
    let rules =
        backstay_model::retention::job::JobRules { keep_after_completion: Some(1), ..Default::default() };
    let admin = caller(Role::Admin);
    // Whatever a client gives as the execution of a checkpoint: it is none of the job.
    let foreign = start(service, "elsewhere").await;
    steer(service, &foreign, Steer::Complete).await.unwrap();
    for execution in ["exec_1", foreign.execution_id.as_str()] {
        let claimed = backstay_service::view::NewCheckpoint {
            execution_id: Some(execution.into()),
            ..new_checkpoint("runs", "claimed", "{}")
        };
        service.create_checkpoint(&operator, DEFAULT_PROJECT, claimed).await.unwrap();
    }
    let (first, second) = (run("a").await, run("b").await);
    work(&first, 3).await;
    work(&second, 2).await;
    work(&first, 1).await;
    service.set_retention(&admin, DEFAULT_PROJECT, Some("runs"), Some(&rules)).await.unwrap();
    service.tidy().await.unwrap();
    assert_eq!(steps().await.len(), 8, "both are open");

    steer(service, &first, Steer::Fail).await.unwrap();
    let plan = service.plan_retention(&admin, DEFAULT_PROJECT, "runs", None).await.unwrap();
    assert_eq!(plan.reasons, ["execution_ended"; 3]);
    service.tidy().await.unwrap();
    assert_eq!(steps().await, ["claimed", "claimed", "b_0", "b_1", "a_0"]);
    let gone = plan.cleaned.deleted;
    assert!(listed(service, "runs").await.iter().all(|item| !gone.contains(&item.checkpoint_id)));

    steer(service, &second, Steer::Complete).await.unwrap();
    service.tidy().await.unwrap();
    assert_eq!(steps().await, ["claimed", "claimed", "b_1", "a_0"]);
    let plan = service.plan_retention(&admin, DEFAULT_PROJECT, "runs", None).await.unwrap();
    let reasons: Vec<&str> = plan.cleaned.kept.iter().map(|(_, reason)| reason.as_str()).collect();
    assert_eq!(reasons, ["no_rule", "no_rule", "last_of_execution", "last_of_execution"]);
    fixture.assert_audit().await;
}

async fn other_tenants_see_nothing(fixture: &Fixture) {
    let service = &fixture.service;
    let execution = start(service, "c").await;
    let sending = begin(service, &execution, step("send", Some(asked()))).await;
    let stranger = caller_of("other", Role::Admin);
    let execution_id = &execution.execution_id;
    let gone = format!("Execution not found: {execution_id}");
    let errors = [
        service.get_execution(&stranger, execution_id).await.err(),
        service.list_steps(&stranger, execution_id, 0, 10).await.err(),
        service.get_step(&stranger, execution_id, &id(&sending)).await.err(),
        service.execution_events(&stranger, execution_id, 0, 10).await.err(),
        service.create_step(&stranger, execution_id, step("x", None)).await.err(),
        service.complete_step(&stranger, execution_id, id(&sending), well(None)).await.err(),
        service.decide_approval(&stranger, execution_id, &id(&sending), yes()).await.err(),
        service.steer_execution(&stranger, execution_id, Steer::Cancel, None, None).await.err(),
        service.wait_step(&stranger, execution_id, &id(&sending), Duration::ZERO).await.err(),
    ];
    for error in errors {
        let error = error.unwrap();
        assert_eq!((error.kind, &*error.message), (ErrorKind::NotFound, &*gone));
    }
    let all = ExecutionFilter { limit: 10, ..ExecutionFilter::default() };
    assert_eq!(service.list_executions(&stranger, DEFAULT_PROJECT, &all).await.unwrap().total, 0);
    // A step of another execution is no step of this one.
    let second = start(service, "c").await;
    let error = service.get_step(&caller(Role::Viewer), &second.execution_id, &id(&sending)).await;
    assert_eq!(error.unwrap_err().kind, ErrorKind::NotFound);
}

async fn a_damaged_record_is_told_and_hides_no_other(fixture: &Fixture) {
    let (service, viewer) = (&fixture.service, caller(Role::Viewer));
    let (damaged, good) = (start(service, "damaged").await, start(service, "good").await);
    for execution in [&damaged, &good] {
        let timed = NewApproval { timeout_s: Some(60), ..asked() };
        begin(service, execution, step("send", Some(timed))).await;
    }
    let last = "(SELECT e.record FROM executions e ORDER BY e.number DESC LIMIT 1)";
    tamper(fixture, &format!("UPDATE executions SET record = {last}"), &[]).await;
    let all = ExecutionFilter { limit: 10, ..ExecutionFilter::default() };
    let list = service.list_executions(&viewer, DEFAULT_PROJECT, &all).await.unwrap();
    assert_eq!((list.items.len(), list.total), (1, 2));
    assert_eq!(service.list_approvals(&viewer, &inbox(true)).await.unwrap().items.len(), 1);
    let whole = list.items[0].clone();
    let broken = if whole.execution_id == good.execution_id { damaged } else { good };
    let error = service.get_execution(&viewer, &broken.execution_id).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Damaged);
    fixture.clock.advance(60);
    service.pass_deadlines().await.unwrap();
    assert_eq!(shown(service, &whole).await.pending_approvals, 0, "its deadline is applied all the same");
}
