//! Every trigger in every state of an execution: what the table allows happens, everything else is a conflict and changes
//! nothing.

use std::fmt::Write;

use backstay_model::execution::OnDeny;
use backstay_model::{ErrorKind, Role};
use backstay_service::view::{NewApproval, NewDecision, Steer, StepEnd, WhichStep};
use backstay_service::{DEFAULT_PROJECT, Service, ServiceError, State};

use crate::checkpoints::listed;
use crate::executions::{asked, new, step};
use crate::fixture::{Fixture, caller};
use crate::on_both;

on_both!(
    every_trigger_while_it_runs_or_a_person_paused_it,
    every_trigger_while_an_approval_is_pending,
    every_trigger_while_several_things_are_to_be_decided,
    every_trigger_after_a_decision_or_a_step,
    every_trigger_in_what_has_ended,
);

/// Something that is done to an execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trigger {
    /// A step of this name is begun.
    Create(&'static str),
    /// One that asks for an approval is begun.
    Ask(&'static str, OnDeny),
    /// The newest step of this name ends well, or badly.
    End(&'static str, bool),
    Approve(&'static str),
    Deny(&'static str),
    Pause,
    Resume,
    Complete,
    Fail,
    Cancel,
}

use OnDeny::{Fail as FailIt, Pause as PauseIt, Skip};
use Trigger::{Approve, Ask, Cancel, Complete, Create, Deny, End, Fail, Pause, Resume};

/// What is tried in every state; `n` is a new step, `a` the one that the state is about.
const TRIGGERS: [Trigger; 11] = [
    Create("n"),
    Ask("n", PauseIt),
    End("a", true),
    End("a", false),
    Approve("a"),
    Deny("a"),
    Pause,
    Resume,
    Complete,
    Fail,
    Cancel,
];

/// How a state comes about, what it looks like, and what is allowed in it with what it leads to.
type Row = (&'static [Trigger], &'static str, &'static [(Trigger, &'static str)]);

const TABLE: &[Row] = &[
    (
        &[],
        "running",
        &[
            (Create("n"), "running; n active"),
            (Ask("n", PauseIt), "paused approval; n paused pending"),
            (Pause, "paused user"),
            (Complete, "completed"),
            (Fail, "failed"),
            (Cancel, "cancelled"),
        ],
    ),
    (
        &[Create("a")],
        "running; a active",
        &[
            (Create("n"), "running; a active; n active"),
            (Ask("n", PauseIt), "paused approval; a active; n paused pending"),
            (End("a", true), "running; a completed"),
            (End("a", false), "failed; a failed"),
            (Pause, "paused user; a paused"),
            (Fail, "failed; a skipped"),
            (Cancel, "cancelled; a skipped"),
        ],
    ),
    (
        &[Create("a"), Pause],
        "paused user; a paused",
        &[
            (Create("n"), "paused user; a paused; n pending"),
            (Ask("n", PauseIt), "paused user approval; a paused; n paused pending"),
            (End("a", true), "paused user; a completed"),
            (End("a", false), "failed; a failed"),
            (Pause, "paused user; a paused"),
            (Resume, "running; a active"),
            (Fail, "failed; a skipped"),
            (Cancel, "cancelled; a skipped"),
        ],
    ),
    (
        &[Pause, Create("a")],
        "paused user; a pending",
        &[
            (Create("n"), "paused user; a pending; n pending"),
            (Ask("n", PauseIt), "paused user approval; a pending; n paused pending"),
            (Pause, "paused user; a pending"),
            (Resume, "running; a active"),
            (Fail, "failed; a skipped"),
            (Cancel, "cancelled; a skipped"),
        ],
    ),
    (
        &[Ask("a", PauseIt)],
        "paused approval; a paused pending",
        &[
            (Create("n"), "paused approval; a paused pending; n pending"),
            (Ask("n", PauseIt), "paused approval; a paused pending; n paused pending"),
            (Approve("a"), "running; a active approved"),
            (Deny("a"), "paused denied; a skipped denied"),
            (Pause, "paused user approval; a paused pending"),
            (Fail, "failed; a skipped withdrawn"),
            (Cancel, "cancelled; a skipped withdrawn"),
        ],
    ),
    (
        &[Ask("a", Skip)],
        "paused approval; a paused pending",
        &[
            (Create("n"), "paused approval; a paused pending; n pending"),
            (Ask("n", PauseIt), "paused approval; a paused pending; n paused pending"),
            (Approve("a"), "running; a active approved"),
            (Deny("a"), "running; a skipped denied"),
            (Pause, "paused user approval; a paused pending"),
            (Fail, "failed; a skipped withdrawn"),
            (Cancel, "cancelled; a skipped withdrawn"),
        ],
    ),
    (
        &[Create("b"), Ask("a", FailIt)],
        "paused approval; b active; a paused pending",
        &[
            (Create("n"), "paused approval; b active; a paused pending; n pending"),
            (Ask("n", PauseIt), "paused approval; b active; a paused pending; n paused pending"),
            (Approve("a"), "running; b active; a active approved"),
            (Deny("a"), "failed; b skipped; a skipped denied"),
            (Pause, "paused user approval; b paused; a paused pending"),
            (Fail, "failed; b skipped; a skipped withdrawn"),
            (Cancel, "cancelled; b skipped; a skipped withdrawn"),
        ],
    ),
    (
        &[Ask("a", PauseIt), Pause],
        "paused user approval; a paused pending",
        &[
            (Create("n"), "paused user approval; a paused pending; n pending"),
            (Ask("n", PauseIt), "paused user approval; a paused pending; n paused pending"),
            (Approve("a"), "paused user; a paused approved"),
            (Deny("a"), "paused user denied; a skipped denied"),
            (Pause, "paused user approval; a paused pending"),
            (Fail, "failed; a skipped withdrawn"),
            (Cancel, "cancelled; a skipped withdrawn"),
        ],
    ),
    (
        &[Ask("a", PauseIt), Pause, Approve("a")],
        "paused user; a paused approved",
        &[
            (Create("n"), "paused user; a paused approved; n pending"),
            (Ask("n", PauseIt), "paused user approval; a paused approved; n paused pending"),
            (End("a", true), "paused user; a completed approved"),
            (End("a", false), "failed; a failed approved"),
            (Pause, "paused user; a paused approved"),
            (Resume, "running; a active approved"),
            (Fail, "failed; a skipped approved"),
            (Cancel, "cancelled; a skipped approved"),
        ],
    ),
    (
        &[Ask("a", PauseIt), Ask("b", PauseIt)],
        "paused approval; a paused pending; b paused pending",
        &[
            (Create("n"), "paused approval; a paused pending; b paused pending; n pending"),
            (Ask("n", PauseIt), "paused approval; a paused pending; b paused pending; n paused pending"),
            (Approve("a"), "paused approval; a active approved; b paused pending"),
            (Deny("a"), "paused approval denied; a skipped denied; b paused pending"),
            (Pause, "paused user approval; a paused pending; b paused pending"),
            (Fail, "failed; a skipped withdrawn; b skipped withdrawn"),
            (Cancel, "cancelled; a skipped withdrawn; b skipped withdrawn"),
        ],
    ),
    (
        &[Ask("a", PauseIt), Deny("a")],
        "paused denied; a skipped denied",
        &[
            (Create("n"), "paused denied; a skipped denied; n pending"),
            (Ask("n", PauseIt), "paused approval denied; a skipped denied; n paused pending"),
            (Pause, "paused user denied; a skipped denied"),
            (Resume, "running; a skipped denied"),
            (Fail, "failed; a skipped denied"),
            (Cancel, "cancelled; a skipped denied"),
        ],
    ),
    (
        &[Create("a"), End("a", true)],
        "running; a completed",
        &[
            (Create("n"), "running; a completed; n active"),
            (Ask("n", PauseIt), "paused approval; a completed; n paused pending"),
            (Pause, "paused user; a completed"),
            (Complete, "completed; a completed"),
            (Fail, "failed; a completed"),
            (Cancel, "cancelled; a completed"),
        ],
    ),
    (&[Create("a"), End("a", true), Complete], "completed; a completed", &[]),
    (&[Create("a"), End("a", false)], "failed; a failed", &[]),
    (&[Ask("a", FailIt), Deny("a")], "failed; a skipped denied", &[]),
    (&[Ask("a", PauseIt), Fail], "failed; a skipped withdrawn", &[]),
    (&[Ask("a", PauseIt), Cancel], "cancelled; a skipped withdrawn", &[]),
];

async fn pull(service: &Service, execution: &str, trigger: Trigger) -> Result<(), ServiceError> {
    let operator = caller(Role::Operator);
    let named = |name: &str| WhichStep::Named(name.to_owned());
    let steer = |steer| service.steer_execution(&operator, execution, steer, Some("because"), None);
    let decide = |name, approved| {
        let new = NewDecision { approved, reason: Some("because".into()), values: None };
        let which = named(name);
        async move { service.decide_approval(&caller(Role::Operator), execution, &which, new).await }
    };
    match trigger {
        Create(name) => service.create_step(&operator, execution, step(name, None)).await.map(drop),
        Ask(name, on_deny) => {
            let asking = NewApproval { on_deny, ..asked() };
            service.create_step(&operator, execution, step(name, Some(asking))).await.map(drop)
        }
        End(name, success) => {
            // Were it not refused, the state would be saved.
            let state = Some(State::parse("{\"saved\":true}").unwrap());
            let end = StepEnd { output_data: None, success, state };
            service.complete_step(&operator, execution, named(name), end).await.map(drop)
        }
        Approve(name) => decide(name, true).await.map(drop),
        Deny(name) => decide(name, false).await.map(drop),
        Pause => steer(Steer::Pause).await.map(drop),
        Resume => steer(Steer::Resume).await.map(drop),
        Complete => steer(Steer::Complete).await.map(drop),
        Fail => steer(Steer::Fail).await.map(drop),
        Cancel => steer(Steer::Cancel).await.map(drop),
    }
}

/// `paused user; a paused approved`.
async fn look(service: &Service, execution: &str) -> String {
    let viewer = caller(Role::Viewer);
    let found = service.get_execution(&viewer, execution).await.unwrap();
    let mut text = found.state.to_string();
    for reason in &found.pause_reasons {
        write!(text, " {reason}").unwrap();
    }
    let steps = service.list_steps(&viewer, execution, 0, 100).await.unwrap();
    assert_eq!(steps.total, found.total_checkpoints);
    let mut pending = 0;
    for step in &steps.items {
        write!(text, "; {} {}", step.checkpoint_name, step.state).unwrap();
        if let Some(approval) = &step.approval {
            write!(text, " {}", approval.status).unwrap();
            pending += u64::from(approval.status.as_str() == "pending");
        }
        assert_eq!(step.completed_at.is_some(), step.state.is_final(), "{text}");
    }
    assert_eq!(found.pending_approvals, pending, "{text}");
    assert_eq!(found.completed_at.is_some(), found.state.is_final(), "{text}");
    text
}

/// Everything that a refusal must not change.
async fn everything(service: &Service, execution: &str) -> (String, Vec<u64>, usize) {
    let viewer = caller(Role::Viewer);
    let found = service.get_execution(&viewer, execution).await.unwrap();
    let steps = service.list_steps(&viewer, execution, 0, 100).await.unwrap();
    let events = service.execution_events(&viewer, execution, 0, 1000).await.unwrap().events;
    let saved = listed(service, &found.job_id).await.len();
    (format!("{found:?} {steps:?}"), events.iter().map(|event| event.seq).collect(), saved)
}

async fn arrange(service: &Service, row: &Row) -> String {
    let operator = caller(Role::Operator);
    let execution = service.start_execution(&operator, DEFAULT_PROJECT, new("table")).await.unwrap();
    for trigger in row.0 {
        pull(service, &execution.execution_id, *trigger).await.unwrap();
    }
    assert_eq!(look(service, &execution.execution_id).await, row.1, "{:?}", row.0);
    execution.execution_id
}

async fn every_trigger_while_it_runs_or_a_person_paused_it(fixture: &Fixture) {
    try_all(fixture, &TABLE[..4]).await;
}

async fn every_trigger_while_an_approval_is_pending(fixture: &Fixture) {
    try_all(fixture, &TABLE[4..7]).await;
}

async fn every_trigger_while_several_things_are_to_be_decided(fixture: &Fixture) {
    try_all(fixture, &TABLE[7..10]).await;
}

async fn every_trigger_after_a_decision_or_a_step(fixture: &Fixture) {
    try_all(fixture, &TABLE[10..12]).await;
}

async fn every_trigger_in_what_has_ended(fixture: &Fixture) {
    try_all(fixture, &TABLE[12..]).await;
    assert!(
        TABLE[12..].iter().all(|row| row.2.is_empty()) && TABLE[..12].iter().all(|row| !row.2.is_empty())
    );
}

/// Tries every trigger in the states of these rows.
async fn try_all(fixture: &Fixture, rows: &[Row]) {
    let service = &fixture.service;
    for row in rows {
        let execution = arrange(service, row).await;
        let before = everything(service, &execution).await;
        let has_a = row.1.contains("; a ");
        for trigger in TRIGGERS {
            if row.2.iter().any(|(allowed, _)| *allowed == trigger) {
                continue;
            }
            let refused = pull(service, &execution, trigger).await;
            let error = refused.expect_err(&format!("{trigger:?} in {}", row.1));
            let about_a = matches!(trigger, End(..) | Approve(_) | Deny(_));
            let kind = if about_a && !has_a { ErrorKind::NotFound } else { ErrorKind::Conflict };
            assert_eq!(error.kind, kind, "{trigger:?} in {}: {error}", row.1);
            assert_eq!(everything(service, &execution).await, before, "{trigger:?} in {}", row.1);
        }
        for (trigger, after) in row.2 {
            let execution = arrange(service, row).await;
            let events = everything(service, &execution).await.1.len();
            pull(service, &execution, *trigger).await.unwrap();
            assert_eq!(look(service, &execution).await, *after, "{trigger:?} in {}", row.1);
            let more = everything(service, &execution).await.1.len() > events;
            assert_eq!(more, *after != row.1, "every transition is an event: {trigger:?} in {}", row.1);
        }
    }
    fixture.assert_audit().await;
}
