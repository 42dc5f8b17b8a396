//! An execution at hand: its rows, its state machine, and how what moved is written.

use std::collections::HashMap;

use backstay_catalog::{ExecutionRow, JobRow, Session, StepRow, Tx};
use backstay_model::execution::{ApprovalStatus, StepState};
use backstay_model::{Action, Caller, ErrorKind, EventDraft, Kind, Subject};
use backstay_source_job::content::Place;
use backstay_source_job::execution::{
    ExecutionKey, ExecutionRecord, Flow, Moved, OpenStep, StepKey, StepOutcome, StepRecord,
};
use serde_json::{Value, json};

use super::listed::{execution_view, step_view};
use super::{no_execution, no_step};
use crate::checkpoints::{JobKeys, source_of};
use crate::error::{Result, ServiceError};
use crate::service::{Describe, Service};
use crate::view::{Execution, Step, WhichStep};

/// A step with its records.
#[derive(Debug, Clone)]
pub(crate) struct OpenedStep {
    pub(crate) row: StepRow,
    pub(crate) record: StepRecord,
    pub(crate) outcome: StepOutcome,
}

/// An execution with its open steps.
pub(crate) struct Opened {
    pub(crate) id: String,
    pub(crate) row: ExecutionRow,
    pub(crate) record: ExecutionRecord,
    pub(crate) job: JobRow,
    pub(crate) keys: JobKeys,
    pub(crate) flow: Flow,
    /// Those that were open when it was read, and those that were made since.
    pub(crate) steps: HashMap<i64, OpenedStep>,
}

/// The number in the public id of an execution.
fn execution_number(id: &str) -> Result<i64> {
    Ok(ExecutionKey::parse(id).ok_or_else(|| no_execution(id))?.0.number())
}

impl Service {
    /// Begins to change an execution: permission, then the deadlines that have passed, then a transaction with the
    /// execution as it is in it.
    pub(crate) async fn change_execution(
        &self,
        caller: &Caller,
        id: &str,
        action: Action,
    ) -> Result<(Tx, Opened)> {
        let row = self.permit_execution(caller, id, action).await?;
        // Opening the keys may take a transaction, so it comes first.
        self.keyring().await?;
        if row.pending_approvals > 0 {
            self.pass_deadlines_of(row.number).await?;
        }
        let mut tx = self.begin().await?;
        let opened = self.find_execution(&mut tx, id).await?;
        Ok((tx, opened))
    }

    /// The execution with this public id, for a caller who may see it.
    pub(crate) async fn find_execution(&self, session: &mut Session, id: &str) -> Result<Opened> {
        let row = session.execution(execution_number(id)?).await?.ok_or_else(|| no_execution(id))?;
        let opened = self.opened(session, row).await?;
        if opened.id == id { Ok(opened) } else { Err(no_execution(id)) }
    }

    /// Refuses and notes what the caller may not do to an execution; for before a transaction begins.
    pub(crate) async fn permit_execution(
        &self,
        caller: &Caller,
        id: &str,
        action: Action,
    ) -> Result<ExecutionRow> {
        let number = execution_number(id)?;
        let row = self.read().await?.execution(number).await?.ok_or_else(|| no_execution(id))?;
        let subject = Subject::new("execution", id);
        if !caller.sees(&row.tenant) {
            self.note_denied(caller, &subject, json!({"wanted": action, "reason": "another tenant"})).await?;
            return Err(no_execution(id));
        }
        self.permit(caller, Some(Kind::Job), action, &subject).await?;
        Ok(row)
    }

    /// The records of `row` and its open steps.
    pub(crate) async fn opened(&self, session: &mut Session, row: ExecutionRow) -> Result<Opened> {
        let job = session.jobs_by_number(&[row.job]).await?.pop();
        let job =
            job.ok_or_else(|| ServiceError::internal("Could not read an execution", "its job is not there"))?;
        let keys = JobKeys::of(self.keyring().await?, &job);
        let record = execution_record(&keys, &row)?;
        let mut steps = HashMap::new();
        let mut flow = Flow { state: row.state, reasons: row.reasons.clone(), open: Vec::new() };
        for row in session.open_steps(row.number).await? {
            let step = opened_step(&keys, row)?;
            flow.open.push(OpenStep {
                number: step.row.number,
                name: step.record.name.clone(),
                state: step.row.state,
                waits: step.row.approval == Some(ApprovalStatus::Pending),
            });
            steps.insert(step.row.number, step);
        }
        let id = ExecutionKey::from_number(row.number).public(&row.workflow_name);
        Ok(Opened { id, row, record, job, keys, flow, steps })
    }
}

/// The record of an execution.
pub(crate) fn execution_record(keys: &JobKeys, row: &ExecutionRow) -> Result<ExecutionRecord> {
    open_sealed(keys, Place::Execution(row.number), &row.record, ExecutionRecord::decode)
}

fn open_sealed<T, E>(
    keys: &JobKeys,
    place: Place,
    sealed: &[u8],
    decode: impl Fn(&[u8]) -> std::result::Result<T, E>,
) -> Result<T> {
    let plain = keys.open(place, sealed.to_vec()).map_err(|_| damaged())?.1;
    decode(&plain).map_err(|_| damaged())
}

fn damaged() -> ServiceError {
    ServiceError::new(ErrorKind::Damaged, "A record of the execution is damaged")
        .hint("restore the catalog from a copy; nothing else holds this record")
}

/// The records of a step.
pub(crate) fn opened_step(keys: &JobKeys, row: StepRow) -> Result<OpenedStep> {
    let record = open_sealed(keys, Place::Step(row.number), &row.record, StepRecord::decode)?;
    let outcome = open_sealed(keys, Place::Outcome(row.number), &row.outcome, StepOutcome::decode)?;
    Ok(OpenedStep { row, record, outcome })
}

impl OpenedStep {
    /// The public id.
    pub(crate) fn id(&self) -> String {
        StepKey::from_number(self.row.number).public(&self.record.name)
    }
}

impl Opened {
    /// The step that is meant, when it is open: with a name, the only open one of that name.
    pub(crate) fn open_step(&self, which: &WhichStep) -> Result<Option<i64>> {
        match which {
            WhichStep::Id(id) => {
                let (key, _) = StepKey::parse(id).ok_or_else(|| no_step(id))?;
                let found = self.steps.get(&key.number()).filter(|step| step.id() == *id);
                Ok(found.map(|step| step.row.number))
            }
            WhichStep::Named(name) => {
                let mut named = self.flow.open.iter().filter(|step| step.name == *name);
                let first = named.next().map(|step| step.number);
                if named.next().is_some() {
                    return Err(ServiceError::conflict(format!("Several open checkpoints are named {name}"))
                        .code("ambiguous")
                        .hint("name the step by its `step_id`"));
                }
                Ok(first)
            }
        }
    }

    /// Writes what moved, with an event for each.
    pub(crate) async fn carry(
        &mut self,
        service: &Service,
        tx: &mut Tx,
        caller: &Caller,
        moved: &[Moved],
        data: &Value,
    ) -> Result<()> {
        let now = service.now();
        let mut changed = Vec::new();
        for each in moved {
            let event = match *each {
                Moved::Step(number, state) => {
                    let step = self.steps.get_mut(&number).expect("what moves is at hand");
                    step.row.state = state;
                    if state.is_final() {
                        step.row.completed_at = Some(now);
                    }
                    match state {
                        StepState::Completed => self.row.completed_steps += 1,
                        StepState::Failed => self.row.failed_steps += 1,
                        _ => {}
                    }
                    if matches!(state, StepState::Completed | StepState::Failed) {
                        self.row.current_step = None;
                    }
                    changed.push(number);
                    self.event_of(service, caller, &format!("step.{state}"), Some(number), data)
                }
                Moved::Approval(number, status) => {
                    let step = self.steps.get_mut(&number).expect("what moves is at hand");
                    step.row.approval = Some(status);
                    if status == ApprovalStatus::Pending {
                        self.row.pending_approvals += 1;
                    } else {
                        step.row.deadline = None;
                        self.row.pending_approvals = self.row.pending_approvals.saturating_sub(1);
                    }
                    if status == ApprovalStatus::Approved {
                        self.row.seen_checkpoint = self.row.checkpoint;
                    }
                    changed.push(number);
                    let word = if status == ApprovalStatus::Pending { "requested" } else { status.as_str() };
                    self.event_of(service, caller, &format!("approval.{word}"), Some(number), data)
                }
                Moved::Execution(state) => {
                    if state.is_final() {
                        self.row.completed_at = Some(now);
                    }
                    self.event_of(service, caller, &format!("execution.{state}"), None, data)
                }
            };
            tx.record(event);
        }
        self.row.state = self.flow.state;
        self.row.reasons.clone_from(&self.flow.reasons);
        if let Some(current) = self.row.current_step
            && !self.flow.open.iter().any(|step| step.number == current)
        {
            self.row.current_step = None;
        }
        changed.sort_unstable();
        changed.dedup();
        for number in changed {
            self.write_step(service, tx, number).await?;
        }
        tx.move_execution(&self.row).await?;
        if self.row.completed_at.is_some() {
            // What the execution needed may go now.
            tx.set_jobs_due(&[self.job.number], Some(now)).await?;
        }
        Ok(())
    }

    /// Writes what has become of a step.
    pub(crate) async fn write_step(&self, service: &Service, tx: &mut Tx, number: i64) -> Result<()> {
        let step = &self.steps[&number];
        let outcome =
            self.keys.newest().seal(Place::Outcome(number), &step.outcome.encode(), service.nonce());
        tx.move_step(&StepRow { outcome, ..step.row.clone() }).await?;
        Ok(())
    }

    /// An event about the execution, or one of its steps.
    pub(crate) fn event_of(
        &self,
        service: &Service,
        caller: &Caller,
        action: &str,
        step: Option<i64>,
        data: &Value,
    ) -> EventDraft {
        let mut data = data.clone();
        if !data.is_object() {
            data = json!({});
        }
        data["job_id"] = json!(self.job.name);
        if let Some(step) = step.and_then(|number| self.steps.get(&number)) {
            data["step_id"] = json!(step.id());
            data["checkpoint_name"] = json!(step.record.name);
        }
        let event = service.event(caller, action, Subject::new("execution", &self.id));
        event.of_source(&self.job.tenant, Kind::Job, &source_of(&self.job)).with(data)
    }

    /// The execution as callers see it.
    pub(crate) fn view(&self) -> Execution {
        let current = self.row.current_step.and_then(|number| self.steps.get(&number));
        execution_view(&self.row, &self.record, &self.job, current.map(|step| step.record.name.clone()))
    }

    /// A step as callers see it.
    pub(crate) fn view_step(&self, step: &OpenedStep) -> Step {
        step_view(step.clone(), &self.id, &self.record)
    }
}
