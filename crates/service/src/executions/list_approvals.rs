//! The inbox: approvals over all executions.

use std::collections::HashMap;

use backstay_catalog::{ApprovalFilter as RowFilter, ExecutionRow};
use backstay_model::execution::ApprovalStatus;
use backstay_model::{Action, Caller, Kind, Subject};
use backstay_source_job::execution::Person;
use backstay_source_job::{Change, Json, diff};

use super::listed::{Jobs, execution_id, opened_steps, readable, step_view};
use super::opened::{OpenedStep, execution_record};
use crate::checkpoints::check_project;
use crate::error::{Result, ServiceError};
use crate::limits::Fields;
use crate::service::{Service, blocking};
use crate::view::{ApprovalFilter, Counted, PendingState, RequestedApproval};

/// How many approvals are shown at once with what changed in their states.
const MOST_COMPARED: u32 = 20;
/// The largest state that is compared here, in bytes; a larger one is compared on request.
const MAX_COMPARED_BYTES: u64 = 1 << 20;

impl Service {
    /// A page of the approvals of the caller's tenant with this status, over all executions, newest first.
    pub async fn list_approvals(
        &self,
        caller: &Caller,
        filter: &ApprovalFilter,
    ) -> Result<Counted<RequestedApproval>> {
        let mut fields = Fields::default();
        let few = !filter.compare || filter.limit <= MOST_COMPARED;
        fields.check(few, "limit", "with `diff` it takes at most 20");
        fields.finish()?;
        if let Some(project) = &filter.project {
            check_project(project)?;
        }
        let subject = Subject::new("project", filter.project.as_deref().unwrap_or("*"));
        self.permit(caller, Some(Kind::Job), Action::View, &subject).await?;
        let person = self.person(caller).await?;
        let mut read = self.read().await?;
        let wanted = RowFilter { status: filter.status, project: filter.project.clone() };
        let total = read.count_approvals(&caller.tenant, &wanted).await?;
        let rows = read.list_approvals(&caller.tenant, &wanted, filter.offset, filter.limit).await?;
        let mut numbers: Vec<i64> = rows.iter().map(|row| row.execution).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let executions =
            if numbers.is_empty() { vec![] } else { read.executions_by_number(&numbers).await? };
        let executions: HashMap<i64, ExecutionRow> =
            executions.into_iter().map(|row| (row.number, row)).collect();
        let jobs = self.jobs_of(&mut read, executions.values().map(|row| row.job)).await?;
        let states = self.states_of(&mut read, &jobs, executions.values()).await?;
        drop(read);
        let mut items: Vec<RequestedApproval> = opened_steps(&jobs, rows)
            .filter_map(|step| item(step, &executions, &jobs, &states, &person, caller))
            .collect();
        if filter.compare {
            for item in &mut items {
                item.state.changes = self.changes(caller, &item.state).await?;
            }
        }
        Ok(Counted { items, total })
    }

    /// The public ids of the checkpoints at which executions stand and stood.
    async fn states_of(
        &self,
        session: &mut backstay_catalog::Session,
        jobs: &Jobs,
        executions: impl Iterator<Item = &ExecutionRow>,
    ) -> Result<HashMap<i64, String>> {
        let mut wanted: HashMap<i64, Vec<i64>> = HashMap::new();
        for row in executions {
            wanted.entry(row.job).or_default().extend(row.checkpoint.into_iter().chain(row.seen_checkpoint));
        }
        let mut ids = HashMap::new();
        for (job, mut numbers) in wanted {
            numbers.sort_unstable();
            numbers.dedup();
            let Some((_, keys)) = jobs.get(&job).filter(|_| !numbers.is_empty()) else { continue };
            let heads = session.checkpoint_heads(&numbers).await?;
            ids.extend(self.public_ids(session, keys, &heads).await?);
        }
        Ok(ids)
    }

    /// What changed in the state; `None` when there is nothing to compare, or it is large.
    async fn changes(&self, caller: &Caller, state: &PendingState) -> Result<Option<Vec<Change>>> {
        let Some(to) = &state.to else { return Ok(None) };
        let mut texts = Vec::with_capacity(2);
        for id in [state.from.as_ref(), Some(to)] {
            let Some(id) = id else {
                texts.push("{}".to_owned());
                continue;
            };
            let seen = self.seen_checkpoint(caller, id, Action::View).await;
            // One that went meanwhile, or is damaged, hides no approval.
            let Ok(seen) = seen else { return Ok(None) };
            if seen.record.as_ref().is_none_or(|record| record.size_bytes > MAX_COMPARED_BYTES) {
                return Ok(None);
            }
            let Ok(found) = self.checkpoint_state(seen, id).await else { return Ok(None) };
            texts.push(found.state);
        }
        blocking("compare two states", move || {
            let read = |text: &str| {
                Json::parse(text).map_err(|e| ServiceError::internal("Could not read a state", e))
            };
            let [from, to] = texts.as_slice() else { return Ok(None) };
            Ok(Some(diff(&read(from)?, &read(to)?)))
        })
        .await
    }
}

fn item(
    step: OpenedStep,
    executions: &HashMap<i64, ExecutionRow>,
    jobs: &Jobs,
    states: &HashMap<i64, String>,
    person: &Person,
    caller: &Caller,
) -> Option<RequestedApproval> {
    let row = executions.get(&step.row.execution)?;
    let (job, keys) = jobs.get(&row.job)?;
    let record = readable(row.number, execution_record(keys, row))?;
    let asked = step.record.approval.as_ref()?;
    let pending = step.row.approval == Some(ApprovalStatus::Pending);
    let decided = step.outcome.decisions.iter().any(|decision| decision.person.is(person));
    let may_decide = pending && !decided && asked.may_decide(person, caller.role).is_ok();
    let id_of = |number: Option<i64>| number.and_then(|number| states.get(&number).cloned());
    let state = PendingState { from: id_of(row.seen_checkpoint), to: id_of(row.checkpoint), changes: None };
    Some(RequestedApproval {
        project: row.project.clone(),
        job_id: job.name.clone(),
        workflow_name: row.workflow_name.clone(),
        step: step_view(step, &execution_id(row), &record),
        may_decide,
        state,
    })
}
