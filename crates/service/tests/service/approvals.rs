//! Approvals: who may decide, deadlines, forms, the inbox, and that nothing bypasses one.

use std::time::Duration;

use backstay_model::execution::{ApprovalStatus, DeadlineDefault, ExecutionState, PauseReason, StepState};
use backstay_model::{Caller, ErrorKind, Role};
use backstay_service::DEFAULT_PROJECT;
use backstay_service::view::{
    ApprovalFilter, NewApproval, NewDecision, NewToken, NewUser, OneDecision, Steer, WhichStep,
};
use serde_json::json;

use crate::checkpoints::new as new_checkpoint;
use crate::executions::{
    asked, begin, conflict, decide, id, inbox, no, shown, start, steer, step, well, yes,
};
use crate::fixture::{Fixture, caller, caller_of, root_caller};
use crate::on_both;

on_both!(
    nothing_bypasses_a_pending_approval,
    only_one_of_many_decisions_counts,
    who_may_decide_says_the_request,
    a_deadline_that_passes_while_nothing_runs_is_applied_at_the_start,
    a_decision_after_the_deadline_is_too_late_even_before_anything_has_noticed,
    values_fit_the_form,
    a_token_of_a_user_is_the_same_person,
    the_inbox_tells_what_changed_and_what_is_mine_to_decide,
    several_are_decided_each_for_itself,
    waiting_ends_when_the_step_may_act_and_applies_a_deadline,
    a_restore_that_resumes_applies_deadlines_before_it_looks,
);

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
