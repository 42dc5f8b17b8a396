//! Starting an execution.

use std::collections::HashMap;

use backstay_catalog::{ExecutionRow, NewJob};
use backstay_model::{Action, Caller, Kind, Subject};
use backstay_source_job::State;
use backstay_source_job::content::Place;
use backstay_source_job::execution::{ExecutionKey, ExecutionRecord, Flow, Moved};
use serde_json::json;

use super::{Opened, check_data};
use crate::checkpoints::{JobKeys, check_job_name, check_project, job_key};
use crate::error::{Result, ServiceError};
use crate::limits::Fields;
use crate::service::Service;
use crate::view::{Execution, NewExecution};

impl Service {
    /// Starts an execution, which runs at once. Two with the same correlation id are two executions.
    pub async fn start_execution(
        &self,
        caller: &Caller,
        project: &str,
        new: NewExecution,
    ) -> Result<Execution> {
        check_project(project)?;
        check(&new)?;
        self.permit(caller, Some(Kind::Job), Action::Capture, &Subject::new("project", project)).await?;
        let ring = self.keyring().await?;
        let mut tx = self.begin().await?;
        let now = self.now();
        let mut numbers = tx.execution_numbers().await?;
        let number = ExecutionKey::next(numbers.execution, now.as_seconds()).number();
        numbers.execution = number;
        tx.set_execution_numbers(numbers).await?;
        let id = ExecutionKey::from_number(number).public(&new.workflow_name);
        let name = new.job_id.unwrap_or_else(|| id.clone());
        let job = NewJob {
            key: job_key(&caller.tenant, project, &name),
            tenant: caller.tenant.clone(),
            project: project.to_owned(),
            name,
            created_at: now,
        };
        let job = tx.ensure_jobs(&[job]).await?.pop();
        let job = job
            .ok_or_else(|| ServiceError::internal("Could not start an execution", "its job is not there"))?;
        if job.expired_at.is_some() {
            let mut progress = job.progress();
            (progress.expired_at, progress.updated_at) = (None, now);
            tx.move_jobs(&[progress]).await?;
            // One whose content was removed has nothing that could come back.
            if job.retain_at.is_some() {
                self.note_end(&mut tx, caller, &job, "job.unexpired", json!({}));
            }
        }
        let keys = JobKeys::of(ring, &job);
        let record = ExecutionRecord {
            correlation_id: new.correlation_id,
            global_data: new.initial_data.map_or_else(|| "{}".to_owned(), State::into_string),
            started_by: caller.actor.clone(),
            forked_from: None,
        };
        let flow = Flow::new();
        let row = ExecutionRow {
            number,
            job: job.number,
            tenant: caller.tenant.clone(),
            project: project.to_owned(),
            workflow_name: new.workflow_name,
            state: flow.state,
            reasons: flow.reasons.clone(),
            current_step: None,
            checkpoint: job.newest,
            seen_checkpoint: job.newest,
            steps: 0,
            completed_steps: 0,
            failed_steps: 0,
            pending_approvals: 0,
            started_at: now,
            completed_at: None,
            record: keys.newest().seal(Place::Execution(number), &record.encode(), self.nonce()),
        };
        tx.insert_execution(&row).await?;
        let moved = [Moved::Execution(flow.state)];
        let mut opened = Opened { id, row, record, job, keys, flow, steps: HashMap::new() };
        let data = json!({"workflow_name": opened.row.workflow_name});
        opened.carry(self, &mut tx, caller, &moved, &data).await?;
        tx.commit().await?;
        Ok(opened.view())
    }
}

fn check(new: &NewExecution) -> Result<()> {
    let mut fields = Fields::default();
    fields.line("correlation_id", &new.correlation_id, 255);
    fields.check(!new.correlation_id.is_empty(), "correlation_id", "it must not be empty");
    fields.line("workflow_name", &new.workflow_name, 255);
    fields.check(!new.workflow_name.is_empty(), "workflow_name", "it must not be empty");
    check_data(&mut fields, "initial_data", new.initial_data.as_ref());
    if let Some(job) = &new.job_id {
        check_job_name(&mut fields, "job_id", job);
    }
    fields.finish()
}
