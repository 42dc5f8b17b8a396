//! Ending a step, together with the state that it leaves.

use std::sync::Arc;

use backstay_model::{Action, Caller, ErrorKind};
use backstay_source_job::State;
use backstay_source_job::execution::Moved;
use serde_json::{Value, json};

use super::list_steps::find_step;
use super::{Opened, check_data, no_execution};
use crate::checkpoints::{Answer, Batch, Request, Work};
use crate::error::{Result, ServiceError};
use crate::limits::Fields;
use crate::service::Service;
use crate::view::{NewCheckpoint, Step, StepEnd, WhichStep};

/// A step to end, in the queue of saves.
pub(crate) struct Completion {
    pub(crate) execution: String,
    /// The job of the execution.
    pub(crate) job: String,
    pub(crate) which: WhichStep,
    pub(crate) end: StepEnd,
}

impl Service {
    /// Ends a step. A `state` that comes with it becomes a checkpoint of the job in the same transaction; a step that
    /// failed fails its execution.
    pub async fn complete_step(
        &self,
        caller: &Caller,
        execution: &str,
        which: WhichStep,
        end: StepEnd,
    ) -> Result<Step> {
        let mut fields = Fields::default();
        check_data(&mut fields, "output_data", end.output_data.as_ref());
        fields.finish()?;
        let row = self.permit_execution(caller, execution, Action::Capture).await?;
        if row.pending_approvals > 0 {
            self.pass_deadlines_of(row.number).await?;
        }
        let job = self.read().await?.jobs_by_number(&[row.job]).await?.pop();
        let job = job.ok_or_else(|| no_execution(execution))?;
        // What is saved belongs to the tenant of the execution, also when somebody acts who sees every tenant.
        let caller = Caller { tenant: row.tenant, ..caller.clone() };
        let completion = Completion { execution: execution.to_owned(), job: job.name, which, end };
        match self.save(&caller, &row.project, Work::Complete(Arc::new(completion))).await? {
            Answer::Completed(step) => Ok(*step),
            Answer::Created(_) | Answer::Threads(_) | Answer::Forked(_) => {
                Err(ServiceError::internal("Could not complete the step", "the answer is another request's"))
            }
        }
    }
}

/// A step that ends.
struct Ending {
    opened: Opened,
    number: i64,
    moved: Vec<Moved>,
    data: Value,
}

impl Batch<'_> {
    /// Ends a step in the transaction of the batch. The inner error is the client's and leaves nothing behind.
    pub(crate) async fn complete(&mut self, request: &Request, wanted: &Completion) -> Result<Result<Step>> {
        let service = match &request.cause {
            Some(id) => self.service.for_request(id),
            None => self.service.clone(),
        };
        let Ending { mut opened, number, moved, data } = match self.end(&service, request, wanted).await {
            Err(error) if is_the_clients(error.kind) => return Ok(Err(error)),
            outcome => outcome?,
        };
        opened.carry(&service, &mut self.tx, &request.caller, &moved, &data).await?;
        Ok(Ok(opened.view_step(&opened.steps[&number])))
    }

    /// Gathers what ends the step, and its state; writes nothing.
    async fn end(&mut self, service: &Service, request: &Request, wanted: &Completion) -> Result<Ending> {
        let mut opened = service.find_execution(&mut self.tx, &wanted.execution).await?;
        let step = find_step(&mut self.tx, &opened, &wanted.which).await?;
        let number = step.row.number;
        if step.row.state.is_final() {
            let (name, state) = (step.record.name, step.row.state);
            return Err(
                ServiceError::conflict(format!("Checkpoint {name} is {state} already")).code("step_state")
            );
        }
        let moved = opened.flow.complete_step(number, wanted.end.success)?;
        let mut checkpoint_id = None;
        if let Some(state) = &wanted.end.state {
            let new = NewCheckpoint {
                job_id: wanted.job.clone(),
                step_name: step.record.name.clone(),
                state: Some(state.clone()),
                metadata: None,
                workflow_name: Some(opened.row.workflow_name.clone()),
                workflow_version: None,
                parent_id: None,
                execution_id: Some(opened.id.clone()),
                ttl_s: None,
                pinned: false,
                epoch: None,
            };
            checkpoint_id =
                Some(self.create(request, &new, request.prepared.get(&(0, 0))).await??.checkpoint_id);
            opened.row.checkpoint = self.rows.last().map(|row| row.head.number);
        }
        let ended = opened.steps.get_mut(&number).expect("an open step is at hand");
        ended.outcome.output_data = wanted.end.output_data.as_ref().map(|data| data.as_str().to_owned());
        if !wanted.end.success {
            ended.outcome.error_details = Some(error_of(wanted.end.output_data.as_ref()));
        }
        ended.outcome.checkpoint_id.clone_from(&checkpoint_id);
        let data = json!({"checkpoint_id": checkpoint_id, "success": wanted.end.success});
        Ok(Ending { opened, number, moved, data })
    }
}

pub(super) fn is_the_clients(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Conflict | ErrorKind::NotFound | ErrorKind::Invalid | ErrorKind::Damaged)
}

/// Why a step failed, as its output tells.
fn error_of(output: Option<&State>) -> String {
    let output = output.and_then(|output| serde_json::from_str::<Value>(output.as_str()).ok());
    match output.as_ref().and_then(|output| output.get("error")) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => "Unknown error".to_owned(),
        Some(other) => other.to_string(),
    }
}
