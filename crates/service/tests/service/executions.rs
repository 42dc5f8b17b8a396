//! Executions: what nothing may bypass, deadlines, restarts, many at once.

use std::time::Duration;

use backstay_model::execution::{
    ApprovalStatus, DeadlineDefault, ExecutionState, OnDeny, PauseReason, StepState,
};
use backstay_model::{Caller, ErrorKind, Role};
use backstay_service::view::{
    ApprovalFilter, Execution, ExecutionFilter, NewApproval, NewDecision, NewExecution, NewStep, NewToken,
    NewUser, OneDecision, Steer, Step, StepEnd, WhichStep,
};
use backstay_service::{DEFAULT_PROJECT, Service, ServiceError, State};
use serde_json::json;

use crate::checkpoints::{keep_last, listed, new as new_checkpoint, tamper};
use crate::fixture::{Fixture, caller, caller_of, root_caller};
use crate::on_both;

on_both!(
    nothing_bypasses_a_pending_approval,
    only_one_of_many_decisions_counts,
    who_may_decide_says_the_request,
    a_deadline_that_passes_while_nothing_runs_is_applied_at_the_start,
    a_decision_after_the_deadline_is_too_late_even_before_anything_has_noticed,
    a_restart_changes_nothing,
    the_state_of_a_step_is_saved_with_its_end_or_neither,
    names_may_come_twice_and_what_is_ended_stays,
    what_an_open_execution_stands_at_is_kept,
    old_executions_go_and_open_ones_stay,
    records_are_sealed,
    values_fit_the_form,
    a_token_of_a_user_is_the_same_person,
    the_inbox_tells_what_changed_and_what_is_mine_to_decide,
    several_are_decided_each_for_itself,
    waiting_ends_when_the_step_may_act_and_applies_a_deadline,
    a_restore_that_resumes_applies_deadlines_before_it_looks,
    an_open_execution_keeps_its_job_from_expiring,
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

fn well(state: Option<&str>) -> StepEnd {
    StepEnd { output_data: None, success: true, state: state.map(|state| State::parse(state).unwrap()) }
}

fn yes() -> NewDecision {
    NewDecision { approved: true, reason: None, values: None }
}

fn no() -> NewDecision {
    NewDecision { approved: false, reason: Some("not today".into()), values: None }
}

async fn start(service: &Service, correlation: &str) -> Execution {
    service.start_execution(&caller(Role::Operator), DEFAULT_PROJECT, new(correlation)).await.unwrap()
}

async fn begin(service: &Service, execution: &Execution, new: NewStep) -> Step {
    service.create_step(&caller(Role::Operator), &execution.execution_id, new).await.unwrap()
}

fn id(step: &Step) -> WhichStep {
    WhichStep::Id(step.step_id.clone())
}

async fn shown(service: &Service, execution: &Execution) -> Execution {
    service.get_execution(&caller(Role::Viewer), &execution.execution_id).await.unwrap()
}

async fn decide(
    service: &Service,
    role: Role,
    execution: &Execution,
    step: &Step,
    decision: NewDecision,
) -> Result<Step, ServiceError> {
    service.decide_approval(&caller(role), &execution.execution_id, &id(step), decision).await
}

async fn steer(service: &Service, execution: &Execution, steer: Steer) -> Result<Execution, ServiceError> {
    let operator = caller(Role::Operator);
    service.steer_execution(&operator, &execution.execution_id, steer, Some("because"), None).await
}

fn conflict<T: std::fmt::Debug>(result: Result<T, ServiceError>, message: &str) {
    let error = result.unwrap_err();
    assert_eq!((error.kind, &*error.message), (ErrorKind::Conflict, message));
}

async fn nothing_bypasses_a_pending_approval(fixture: &Fixture) {
    let (service, operator) = (&fixture.service, caller(Role::Operator));
    let execution = start(service, "c").await;
    assert_eq!((execution.state, &execution.job_id), (ExecutionState::Running, &execution.execution_id));
    let checkpoint = new_checkpoint(&execution.job_id, "saved", "{}");
    let checkpoint = service.create_checkpoint(&operator, DEFAULT_PROJECT, checkpoint).await.unwrap();
    let sending = begin(service, &execution, step("send", Some(asked()))).await;
    assert_eq!(sending.state, StepState::Paused);
    let before = shown(service, &execution).await;
    assert_eq!(before.pause_reasons.iter().copied().collect::<Vec<_>>(), [PauseReason::Approval]);
    assert_eq!((before.pending_approvals, before.current_checkpoint.as_deref()), (1, Some("send")));

    let waits = "Checkpoint send is waiting for approval";
    conflict(steer(service, &execution, Steer::Resume).await, waits);
    conflict(steer(service, &execution, Steer::Complete).await, waits);
    let end = service.complete_step(&operator, &execution.execution_id, id(&sending), well(None)).await;
    conflict(end, waits);
    let restored = service.restore_checkpoint(&operator, &checkpoint.checkpoint_id, true, None).await;
    conflict(restored, waits);
    service.restore_checkpoint(&operator, &checkpoint.checkpoint_id, false, None).await.unwrap();
    assert_eq!(shown(service, &execution).await, before);

    let denied = decide(service, Role::Operator, &execution, &sending, no()).await.unwrap();
    assert_eq!(denied.state, StepState::Skipped);
    let again = decide(service, Role::Admin, &execution, &sending, yes()).await;
    conflict(again, "Approval already decided: denied by operator");
    let paused = shown(service, &execution).await;
    assert_eq!(paused.pause_reasons.iter().copied().collect::<Vec<_>>(), [PauseReason::Denied]);
    assert_eq!(steer(service, &execution, Steer::Resume).await.unwrap().state, ExecutionState::Running);
    assert_eq!(steer(service, &execution, Steer::Complete).await.unwrap().state, ExecutionState::Completed);
    conflict(steer(service, &execution, Steer::Cancel).await, "The execution is completed already");

    let page =
        service.execution_events(&caller(Role::Viewer), &execution.execution_id, 0, 100).await.unwrap();
    let actions: Vec<_> = page.events.iter().map(|event| event.action.as_str()).collect();
    assert_eq!(
        actions,
        [
            "execution.running",
            "step.paused",
            "approval.requested",
            "execution.paused",
            "approval.denied",
            "step.skipped",
            "execution.running",
            "execution.completed",
        ]
    );
    let first = service.execution_events(&caller(Role::Viewer), &execution.execution_id, 0, 3).await.unwrap();
    let after = first.next.unwrap();
    let rest =
        service.execution_events(&caller(Role::Viewer), &execution.execution_id, after, 100).await.unwrap();
    assert_eq!((first.events.len(), rest.events.len()), (3, 5));
    fixture.assert_audit().await;
}

async fn only_one_of_many_decisions_counts(fixture: &Fixture) {
    let execution = start(&fixture.service, "c").await;
    let sending = begin(&fixture.service, &execution, step("send", Some(asked()))).await;
    let mut tasks = Vec::new();
    for n in 0..12 {
        let (service, execution, sending) = (fixture.service.clone(), execution.clone(), sending.clone());
        let decision = if n % 2 == 0 { yes() } else { no() };
        tasks.push(tokio::spawn(async move {
            decide(&service, Role::Operator, &execution, &sending, decision).await.is_ok()
        }));
    }
    let mut decided = 0;
    for task in tasks {
        decided += usize::from(task.await.unwrap());
    }
    assert_eq!(decided, 1);
    let step = fixture
        .service
        .get_step(&caller(Role::Viewer), &execution.execution_id, &id(&sending))
        .await
        .unwrap();
    assert_eq!(step.approval.unwrap().decisions.len(), 1);
}

async fn who_may_decide_says_the_request(fixture: &Fixture) {
    let service = &fixture.service;
    let execution = start(service, "c").await;
    let four_eyes = NewApproval { four_eyes: true, ..asked() };
    let sending = begin(service, &execution, step("send", Some(four_eyes))).await;
    for role in [Role::Operator, Role::Viewer] {
        let error = decide(service, role, &execution, &sending, yes()).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Forbidden, "{error}");
    }
    let refused = fixture.actions().await.into_iter().filter(|action| action == "approval.refused").count();
    assert_eq!(refused, 2);
    let approved = decide(service, Role::Admin, &execution, &sending, yes()).await.unwrap();
    assert_eq!(
        (approved.state, approved.approval.unwrap().status),
        (StepState::Active, ApprovalStatus::Approved)
    );

    let two = NewApproval {
        min_approvals: 2,
        roles: vec![Role::Technical],
        users: vec!["viewer".into()],
        ..asked()
    };
    let paying = begin(service, &execution, step("pay", Some(two))).await;
    let first = decide(service, Role::Viewer, &execution, &paying, yes()).await.unwrap();
    assert_eq!((first.state, first.approval.unwrap().status), (StepState::Paused, ApprovalStatus::Pending));
    conflict(
        decide(service, Role::Viewer, &execution, &paying, yes()).await,
        "You have approved already; it takes others too",
    );
    let error = decide(service, Role::Operator, &execution, &paying, yes()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Forbidden);
    let second = decide(service, Role::Technical, &execution, &paying, yes()).await.unwrap();
    assert_eq!(second.state, StepState::Active);
}

async fn a_deadline_that_passes_while_nothing_runs_is_applied_at_the_start(fixture: &Fixture) {
    let timed = |default| Some(NewApproval { timeout_s: Some(60), default, ..asked() });
    let mut steps = Vec::new();
    for default in [DeadlineDefault::Deny, DeadlineDefault::Approve, DeadlineDefault::None] {
        let execution = start(&fixture.service, "c").await;
        let step = begin(&fixture.service, &execution, step("send", timed(default))).await;
        steps.push((execution, step));
    }
    fixture.clock.advance(59);
    fixture.service.pass_deadlines().await.unwrap();
    assert_eq!(shown(&fixture.service, &steps[0].0).await.pending_approvals, 1);
    fixture.clock.advance(1);
    let service = fixture.again(2).await;
    service.pass_deadlines().await.unwrap();
    let expected = [
        (StepState::Skipped, ApprovalStatus::Denied),
        (StepState::Active, ApprovalStatus::Approved),
        (StepState::Paused, ApprovalStatus::Pending),
    ];
    for ((execution, step), expected) in steps.iter().zip(expected) {
        let step = service.get_step(&caller(Role::Viewer), &execution.execution_id, &id(step)).await.unwrap();
        let approval = step.approval.unwrap();
        assert_eq!((step.state, approval.status), expected);
        if let Some(decision) = approval.decisions.first() {
            assert_eq!(decision.person.actor.name, "system:deadline");
        }
    }
    let (execution, step) = &steps[2];
    conflict(
        decide(&service, Role::Admin, execution, step, yes()).await,
        "The deadline of the approval has passed",
    );
    steer(&service, execution, Steer::Cancel).await.unwrap();
    let withdrawn =
        service.get_step(&caller(Role::Viewer), &execution.execution_id, &id(step)).await.unwrap();
    assert_eq!(withdrawn.approval.unwrap().status, ApprovalStatus::Withdrawn);
    conflict(
        decide(&service, Role::Admin, execution, step, yes()).await,
        "Approval already decided: withdrawn",
    );
}

async fn a_decision_after_the_deadline_is_too_late_even_before_anything_has_noticed(fixture: &Fixture) {
    let service = &fixture.service;
    let execution = start(service, "c").await;
    let timed = NewApproval { timeout_s: Some(60), ..asked() };
    let sending = begin(service, &execution, step("send", Some(timed))).await;
    fixture.clock.advance(60);
    conflict(
        decide(service, Role::Admin, &execution, &sending, yes()).await,
        "Approval already decided: denied by system:deadline",
    );
    let viewer = caller(Role::Viewer);
    let waited =
        service.wait_step(&viewer, &execution.execution_id, &id(&sending), Duration::ZERO).await.unwrap();
    assert_eq!(waited.state, StepState::Skipped);
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

async fn values_fit_the_form(fixture: &Fixture) {
    let (service, operator) = (&fixture.service, caller(Role::Operator));
    let execution = start(service, "c").await;
    let form =
        json!({"type": "object", "required": ["amount"], "properties": {"amount": {"type": "integer"}}});
    let asking = NewApproval { form: Some(form), ..asked() };
    let sending = begin(service, &execution, step("send", Some(asking))).await;
    for values in [None, Some(json!({"amount": "three"}))] {
        let decision = NewDecision { values, ..yes() };
        let error = decide(service, Role::Operator, &execution, &sending, decision).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Invalid, "{error}");
    }
    let decision = NewDecision { values: Some(json!({"amount": 3})), ..yes() };
    let approved = decide(service, Role::Operator, &execution, &sending, decision).await.unwrap();
    assert_eq!(approved.approval.unwrap().decisions[0].values, Some(json!({"amount": 3})));

    let wrong =
        NewApproval { form: Some(json!({"type": 3})), timeout_s: Some(0), min_approvals: 0, ..asked() };
    let error =
        service.create_step(&operator, &execution.execution_id, step("x", Some(wrong))).await.unwrap_err();
    let fields: Vec<_> = error.fields.iter().map(|problem| problem.field.as_str()).collect();
    assert_eq!(fields, ["approval.min_approvals", "approval.timeout_s", "approval.form"]);
    let away = NewApproval { form: Some(json!({"$ref": "http://127.0.0.1:9/schema"})), ..asked() };
    let error =
        service.create_step(&operator, &execution.execution_id, step("x", Some(away))).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
    let unsaid = NewDecision { reason: None, ..no() };
    let asking = begin(service, &execution, step("pay", Some(asked()))).await;
    let error = decide(service, Role::Operator, &execution, &asking, unsaid).await.unwrap_err();
    assert_eq!((error.kind, &*error.fields[0].field), (ErrorKind::Invalid, "reason"));
}

async fn a_token_of_a_user_is_the_same_person(fixture: &Fixture) {
    let service = &fixture.service;
    let new_user = NewUser {
        name: "rita".into(),
        password: Some("long enough 1".into()),
        role: Role::Admin,
        tenant: None,
    };
    let user = service.create_user(&root_caller(), new_user).await.unwrap();
    let mut rita = caller(Role::Admin);
    (rita.actor.id, rita.actor.name) = (user.id.to_string(), "rita".into());
    let token = NewToken { name: "hers".into(), role: Role::Operator, expires_at: None };
    let hers = service.create_token(&rita, token).await.unwrap();
    let hers = service.authenticate_token(&hers.secret).await.unwrap();
    let execution = start(service, "c").await;
    let asking = NewApproval { four_eyes: true, min_approvals: 2, ..asked() };
    let sending =
        service.create_step(&hers, &execution.execution_id, step("send", Some(asking))).await.unwrap();
    let approve = async |who: &Caller| {
        service.decide_approval(who, &execution.execution_id, &id(&sending), yes()).await
    };
    assert_eq!(approve(&rita).await.unwrap_err().kind, ErrorKind::Forbidden, "her token asked");
    let asking = NewApproval { min_approvals: 2, users: vec![user.id.to_string()], ..asked() };
    let paying = service
        .create_step(&caller(Role::Operator), &execution.execution_id, step("pay", Some(asking)))
        .await
        .unwrap();
    let approve =
        async |who: &Caller| service.decide_approval(who, &execution.execution_id, &id(&paying), yes()).await;
    approve(&hers).await.unwrap();
    conflict(approve(&rita).await, "You have approved already; it takes others too");
}

fn inbox(compare: bool) -> ApprovalFilter {
    ApprovalFilter { status: ApprovalStatus::Pending, project: None, compare, offset: 0, limit: 20 }
}

async fn the_inbox_tells_what_changed_and_what_is_mine_to_decide(fixture: &Fixture) {
    let (service, operator) = (&fixture.service, caller(Role::Operator));
    let execution = start(service, "c").await;
    let end = async |name: &str, state: &str| {
        let made = begin(service, &execution, step(name, None)).await;
        service.complete_step(&operator, &execution.execution_id, id(&made), well(Some(state))).await.unwrap()
    };
    let first = end("load", "{\"rows\":1}").await;
    let second = end("parse", "{\"rows\":2,\"ok\":true}").await;
    let asking = NewApproval { four_eyes: true, ..asked() };
    let sending = begin(service, &execution, step("send", Some(asking))).await;
    let found = service.list_approvals(&operator, &inbox(true)).await.unwrap();
    let item = &found.items[0];
    assert_eq!((found.total, &item.step.step_id, item.may_decide), (1, &sending.step_id, false), "four eyes");
    assert_eq!((&item.state.from, &item.state.to), (&None, &second.checkpoint_id));
    let paths = |changes: &Option<Vec<backstay_service::StateChange>>| -> Vec<String> {
        changes.as_ref().unwrap().iter().map(|change| change.path.clone()).collect()
    };
    assert_eq!(paths(&item.state.changes), ["/rows", "/ok"]);
    assert!(service.list_approvals(&caller(Role::Admin), &inbox(false)).await.unwrap().items[0].may_decide);
    assert!(!service.list_approvals(&caller(Role::Viewer), &inbox(false)).await.unwrap().items[0].may_decide);
    decide(service, Role::Admin, &execution, &sending, yes()).await.unwrap();
    assert_eq!(service.list_approvals(&operator, &inbox(true)).await.unwrap().total, 0);

    // From now on it is compared with what was approved, which stays as long as the execution is open.
    let third = end("sum", "{\"rows\":3,\"ok\":true}").await;
    begin(service, &execution, step("pay", Some(asked()))).await;
    let found = service.list_approvals(&operator, &inbox(true)).await.unwrap();
    assert_eq!(
        (&found.items[0].state.from, &found.items[0].state.to),
        (&second.checkpoint_id, &third.checkpoint_id)
    );
    assert_eq!(paths(&found.items[0].state.changes), ["/rows"]);
    for (gone, is_needed) in [(first, false), (second, true), (third, true)] {
        let deleted = service.delete_checkpoint(&operator, &gone.checkpoint_id.unwrap()).await;
        assert_eq!(deleted.err().map(|error| error.word()), is_needed.then_some("needed"));
    }
    let other = ApprovalFilter { project: Some("other".into()), ..inbox(false) };
    assert_eq!(service.list_approvals(&operator, &other).await.unwrap().total, 0);
    let many = ApprovalFilter { limit: 21, ..inbox(true) };
    assert_eq!(service.list_approvals(&operator, &many).await.unwrap_err().fields[0].field, "limit");
    let stranger = caller_of("other", Role::Admin);
    assert_eq!(service.list_approvals(&stranger, &inbox(false)).await.unwrap().total, 0);
}

async fn several_are_decided_each_for_itself(fixture: &Fixture) {
    let (service, operator) = (&fixture.service, caller(Role::Operator));
    let execution = start(service, "c").await;
    let (one, two) = (
        begin(service, &execution, step("one", Some(asked()))).await,
        begin(service, &execution, step("two", Some(asked()))).await,
    );
    let decision = |step_id: &str, decision| OneDecision {
        execution_id: execution.execution_id.clone(),
        which: WhichStep::Id(step_id.into()),
        decision,
    };
    let done = service
        .decide_approvals(
            &operator,
            vec![
                decision(&one.step_id, yes()),
                decision(&one.step_id, no()),
                decision("step_none_1767435330_00000000", yes()),
                decision(&two.step_id, NewDecision { reason: None, ..no() }),
                decision(&two.step_id, no()),
            ],
        )
        .await
        .unwrap();
    let kinds: Vec<_> = done.iter().map(|done| done.as_ref().err().map(|error| error.kind)).collect();
    assert_eq!(
        kinds,
        [None, Some(ErrorKind::Conflict), Some(ErrorKind::NotFound), Some(ErrorKind::Invalid), None]
    );
    assert_eq!(shown(service, &execution).await.pending_approvals, 0);
    for wrong in [vec![], (0..101).map(|_| decision("x", yes())).collect()] {
        assert_eq!(service.decide_approvals(&operator, wrong).await.unwrap_err().kind, ErrorKind::Invalid);
    }
}

async fn waiting_ends_when_the_step_may_act_and_applies_a_deadline(fixture: &Fixture) {
    let (service, viewer) = (&fixture.service, caller(Role::Viewer));
    let execution = start(service, "c").await;
    let sending = begin(service, &execution, step("send", Some(asked()))).await;
    let waiting = {
        let (service, viewer) = (service.clone(), viewer.clone());
        let (execution, which) = (execution.execution_id.clone(), WhichStep::Named("send".into()));
        tokio::spawn(
            async move { service.wait_step(&viewer, &execution, &which, Duration::from_mins(5)).await },
        )
    };
    decide(service, Role::Operator, &execution, &sending, yes()).await.unwrap();
    assert_eq!(waiting.await.unwrap().unwrap().state, StepState::Active);

    let timed = NewApproval { timeout_s: Some(1), default: DeadlineDefault::Approve, ..asked() };
    let paying = begin(service, &execution, step("pay", Some(timed))).await;
    fixture.clock.advance(1);
    let waited = service
        .wait_step(&viewer, &execution.execution_id, &id(&paying), Duration::from_mins(5))
        .await
        .unwrap();
    assert_eq!(waited.state, StepState::Active);
    let unknown = WhichStep::Named("none".into());
    let error = service.wait_step(&viewer, &execution.execution_id, &unknown, Duration::ZERO).await;
    assert_eq!(error.unwrap_err().message, "Checkpoint not found: none");
}

async fn a_restore_that_resumes_applies_deadlines_before_it_looks(fixture: &Fixture) {
    let (service, operator) = (&fixture.service, caller(Role::Operator));
    let execution = start(service, "c").await;
    let saved = new_checkpoint(&execution.job_id, "saved", "{}");
    let saved = service.create_checkpoint(&operator, DEFAULT_PROJECT, saved).await.unwrap();
    let timed = NewApproval { timeout_s: Some(60), ..asked() };
    begin(service, &execution, step("send", Some(timed))).await;
    let resume = || service.restore_checkpoint(&operator, &saved.checkpoint_id, true, None);
    conflict(resume().await, "Checkpoint send is waiting for approval");
    fixture.clock.advance(60);
    resume().await.unwrap();
    assert_eq!(shown(service, &execution).await.pending_approvals, 0);
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
