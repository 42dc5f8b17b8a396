//! Forking: a new execution from the state of another, which stays as it is.

use std::collections::HashMap;
use std::sync::Arc;

use backstay_catalog::{ExecutionRow, JobRow, Session};
use backstay_model::{Action, Caller, Kind, Subject};
use backstay_source_job::State;
use backstay_source_job::content::Place;
use backstay_source_job::execution::{ExecutionKey, ExecutionRecord, Flow, Moved, Origin};
use serde_json::json;

use super::Opened;
use super::complete_step::is_the_clients;
use crate::checkpoints::{Answer, Batch, JobKeys, Request, Work, check_job_name, job_key, source_of};
use crate::error::{Result, ServiceError};
use crate::limits::Fields;
use crate::service::{Describe, Service};
use crate::view::{CheckpointState, Execution, ForkExecution, NewCheckpoint};

/// An execution to start from another one, in the queue of saves.
pub(crate) struct Fork {
    /// Its number, which was given already.
    number: i64,
    /// Its job.
    pub(crate) job: String,
    workflow_name: String,
    correlation_id: String,
    /// JSON text of an object.
    global_data: String,
    origin: String,
    origin_job: JobRow,
    reason: Option<String>,
    /// The public id of the checkpoint that it begins with, and the one to save.
    pub(crate) state: Option<(String, NewCheckpoint)>,
}

impl Service {
    /// Starts an execution with the data of another one and the state of a checkpoint of its job, also when that has ended. Both
    /// are there afterwards or neither. Steps are not taken over.
    ///
    /// While an approval of the job is pending it is a conflict: a fork would get around it.
    pub async fn fork_execution(
        &self,
        caller: &Caller,
        execution: &str,
        fork: ForkExecution,
    ) -> Result<Execution> {
        check(&fork)?;
        let row = self.permit_execution(caller, execution, Action::Capture).await?;
        let mut read = self.read().await?;
        let opened = self.find_execution(&mut read, execution).await?;
        let origin = match fork.checkpoint_id {
            Some(id) => Some(id),
            None => self.stands_at(&mut read, &opened).await?,
        };
        drop(read);
        self.must_not_wait(&opened.job).await?;
        let state = match origin {
            Some(id) => Some((id.clone(), self.state_to_fork(caller, &opened.job, &id).await?)),
            None => None,
        };
        // Its job may be named as the execution, so the number comes first; one that is not used is a gap.
        let mut tx = self.begin().await?;
        let mut numbers = tx.execution_numbers().await?;
        numbers.execution = ExecutionKey::next(numbers.execution, self.now().as_seconds()).number();
        tx.set_execution_numbers(numbers).await?;
        tx.commit().await?;

        let id = ExecutionKey::from_number(numbers.execution).public(&row.workflow_name);
        let job = fork.job_id.unwrap_or_else(|| id.clone());
        let is_same_job = job == opened.job.name;
        let state = state.map(|(origin, (saved, state))| {
            let new = NewCheckpoint {
                job_id: job.clone(),
                step_name: saved.checkpoint.step_name,
                state: Some(state),
                metadata: saved.checkpoint.metadata,
                workflow_name: Some(row.workflow_name.clone()),
                workflow_version: Some(saved.checkpoint.workflow_version),
                parent_id: is_same_job.then(|| origin.clone()),
                execution_id: Some(id.clone()),
                ttl_s: None,
                pinned: false,
                epoch: None,
            };
            (origin, new)
        });
        let wanted = Fork {
            number: numbers.execution,
            job,
            workflow_name: row.workflow_name,
            correlation_id: fork.correlation_id.unwrap_or(opened.record.correlation_id),
            global_data: opened.record.global_data,
            origin: opened.id,
            origin_job: opened.job,
            reason: fork.reason,
            state,
        };
        // What is saved belongs to the tenant of the execution, also when somebody acts who sees every tenant.
        let caller = Caller { tenant: row.tenant, ..caller.clone() };
        match self.save(&caller, &row.project, Work::Fork(Arc::new(wanted))).await? {
            Answer::Forked(started) => Ok(*started),
            Answer::Created(_) | Answer::Threads(_) | Answer::Completed(_) => {
                Err(ServiceError::internal("Could not fork the execution", "the answer is another request's"))
            }
        }
    }

    /// The public id of the checkpoint at which an execution stands.
    async fn stands_at(&self, session: &mut Session, opened: &Opened) -> Result<Option<String>> {
        let Some(number) = opened.row.checkpoint else { return Ok(None) };
        let head = session.checkpoint_heads(&[number]).await?.pop().filter(|head| !head.flags.carrier);
        let ids = self.public_ids(session, &opened.keys, head.as_slice()).await?;
        match ids.get(&number) {
            Some(id) => Ok(Some(id.clone())),
            None => Err(ServiceError::conflict("The checkpoint at which the execution stands is gone")
                .code("checkpoint_gone")
                .hint("name another one of its job as `checkpoint_id`")),
        }
    }

    /// A checkpoint of a job and its state.
    async fn state_to_fork(
        &self,
        caller: &Caller,
        job: &JobRow,
        id: &str,
    ) -> Result<(CheckpointState, State)> {
        let seen = self.seen_checkpoint(caller, id, Action::View).await?;
        if seen.found.job.number != job.number {
            let message = "the job of the execution has no checkpoint with this id";
            return Err(ServiceError::invalid("checkpoint_id", message));
        }
        if seen.found.checkpoint.head.flags.typed {
            return Err(ServiceError::conflict("This checkpoint is typed")
                .code("typed")
                .hint("fork its thread with POST /api/v1/threads/fork"));
        }
        let saved = self.checkpoint_state(seen, id).await?;
        let state = State::parse(&saved.state)
            .map_err(|error| ServiceError::internal("Could not read a state", error))?;
        Ok((saved, state))
    }
}

impl Batch<'_> {
    /// Starts an execution in the transaction of the batch. The inner error is the client's and leaves nothing behind.
    pub(crate) async fn fork(&mut self, request: &Request, wanted: &Fork) -> Result<Result<Execution>> {
        let service = match &request.cause {
            Some(id) => self.service.for_request(id),
            None => self.service.clone(),
        };
        match service.waits(&mut self.tx, &wanted.origin_job).await {
            Err(error) if is_the_clients(error.kind) => return Ok(Err(error)),
            outcome => outcome?,
        }
        let mut checkpoint = None;
        if let Some((_, new)) = &wanted.state {
            match self.create(request, new, request.prepared.get(&(0, 0))).await? {
                Ok(_) => checkpoint = self.rows.last().map(|row| row.head.number),
                Err(error) => return Ok(Err(error)),
            }
        }
        let key = job_key(&request.caller.tenant, &request.project, &wanted.job);
        self.moved(request, &key, false, None);
        let (job, keys) = self.job(&key);
        let origin = Origin {
            execution_id: wanted.origin.clone(),
            checkpoint_id: wanted.state.as_ref().map(|(id, _)| id.clone()),
        };
        let id = ExecutionKey::from_number(wanted.number).public(&wanted.workflow_name);
        let data = json!({"job_id": wanted.origin_job.name, "forked_to": id, "checkpoint_id": origin.checkpoint_id,
            "reason": wanted.reason});
        let event =
            service.event(&request.caller, "execution.forked", Subject::new("execution", &wanted.origin));
        let event = event.of_source(&job.tenant, Kind::Job, &source_of(&wanted.origin_job));
        self.tx.record(event.with(data));
        let started = json!({"workflow_name": wanted.workflow_name, "forked_from": origin.execution_id,
            "checkpoint_id": origin.checkpoint_id, "reason": wanted.reason});
        let record = ExecutionRecord {
            correlation_id: wanted.correlation_id.clone(),
            global_data: wanted.global_data.clone(),
            started_by: request.caller.actor.clone(),
            forked_from: Some(origin),
        };
        let row = self.new_row(wanted, &job, &keys, &record, checkpoint);
        self.tx.insert_execution(&row).await?;
        let flow = Flow::new();
        let moved = [Moved::Execution(flow.state)];
        let mut opened = Opened { id, row, record, job, keys, flow, steps: HashMap::new() };
        opened.carry(&service, &mut self.tx, &request.caller, &moved, &started).await?;
        Ok(Ok(opened.view()))
    }

    fn new_row(
        &self,
        wanted: &Fork,
        job: &JobRow,
        keys: &JobKeys,
        record: &ExecutionRecord,
        checkpoint: Option<i64>,
    ) -> ExecutionRow {
        let Flow { state, reasons, .. } = Flow::new();
        ExecutionRow {
            number: wanted.number,
            job: job.number,
            tenant: job.tenant.clone(),
            project: job.project.clone(),
            workflow_name: wanted.workflow_name.clone(),
            state,
            reasons,
            current_step: None,
            checkpoint,
            seen_checkpoint: checkpoint,
            steps: 0,
            completed_steps: 0,
            failed_steps: 0,
            pending_approvals: 0,
            started_at: self.now,
            completed_at: None,
            record: keys.newest().seal(
                Place::Execution(wanted.number),
                &record.encode(),
                self.service.nonce(),
            ),
        }
    }
}

fn check(fork: &ForkExecution) -> Result<()> {
    let mut fields = Fields::default();
    if let Some(correlation) = &fork.correlation_id {
        fields.line("correlation_id", correlation, 255);
        fields.check(!correlation.is_empty(), "correlation_id", "it must not be empty");
    }
    if let Some(job) = &fork.job_id {
        check_job_name(&mut fields, "job_id", job);
    }
    fields.text("reason", fork.reason.as_deref().unwrap_or_default(), 2000);
    fields.finish()
}
