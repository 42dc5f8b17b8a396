//! An executor at hand, and a resume.

use backstay_catalog::{ExecutorRow, JobRow, ResumeRow, Session};
use backstay_model::execution::Capability;
use backstay_model::{Action, Caller, ErrorKind, Kind, Subject, TenantId};
use backstay_source_job::content::Place;
use backstay_source_job::execution::{ExecutorKey, ExecutorRecord, ResumeKey, ResumeRecord, fitness};
use serde_json::json;

use super::{no_executor, no_resume};
use crate::checkpoints::JobKeys;
use crate::error::{Result, ServiceError};
use crate::service::Service;
use crate::view::{Executor, Resume};

/// The job under whose key executors are sealed; no real job has a control character in its name.
const KEY_NAME: &str = "\u{1}executors";

/// An executor with where it is and its secret.
#[derive(Debug, Clone)]
pub(super) struct OpenedExecutor {
    pub(super) row: ExecutorRow,
    pub(super) record: ExecutorRecord,
}

impl OpenedExecutor {
    pub(super) fn can(&self, capability: Capability) -> bool {
        self.row.capabilities.contains(&capability)
    }
}

/// The public id of an executor.
pub(super) fn executor_id(row: &ExecutorRow) -> String {
    ExecutorKey::from_number(row.number).public(&row.name)
}

/// The public id of a resume.
pub(super) fn resume_id(number: i64, job: &JobRow) -> String {
    ResumeKey::from_number(number).public(&job.name)
}

/// An executor as administrators see it.
pub(super) fn view(opened: OpenedExecutor) -> Executor {
    Executor {
        executor_id: executor_id(&opened.row),
        project: opened.row.project,
        name: opened.row.name,
        url: opened.record.url,
        patterns: opened.row.patterns,
        timeout_s: opened.row.timeout_s,
        capabilities: opened.row.capabilities,
        created_at: opened.row.created_at,
    }
}

/// A resume as callers see it.
pub(super) fn resume_view(row: &ResumeRow, record: ResumeRecord, job: &JobRow) -> Resume {
    Resume {
        resume_id: resume_id(row.number, job),
        job_id: job.name.clone(),
        checkpoint_id: record.checkpoint_id,
        safety_checkpoint_id: record.safety_checkpoint_id,
        state: row.state,
        epoch: row.epoch,
        requested_by: record.requested_by,
        reason: record.reason,
        failure: record.failure,
        created_at: row.created_at,
        ended_at: row.ended_at,
    }
}

impl Service {
    /// The keys of the executors of a project.
    pub(super) async fn executor_keys(&self, tenant: &TenantId, project: &str) -> Result<JobKeys> {
        Ok(JobKeys::new(self.keyring().await?, tenant.as_str(), project, KEY_NAME))
    }

    pub(super) async fn open_executor(&self, row: ExecutorRow) -> Result<OpenedExecutor> {
        let keys = self.executor_keys(&row.tenant, &row.project).await?;
        let plain = keys.open(Place::Executor(row.number), row.record.clone()).ok();
        let record = plain.and_then(|(_, plain)| ExecutorRecord::decode(&plain).ok());
        let record = record.ok_or_else(|| {
            ServiceError::new(ErrorKind::Damaged, format!("The record of executor {} is damaged", row.name))
                .hint("delete the executor and register it again")
        })?;
        Ok(OpenedExecutor { row, record })
    }

    /// The executor with this public id, when the caller may do `action` to it.
    pub(super) async fn permitted_executor(
        &self,
        caller: &Caller,
        id: &str,
        action: Action,
    ) -> Result<ExecutorRow> {
        let (key, _) = ExecutorKey::parse(id).ok_or_else(no_executor)?;
        let row = self.read().await?.executor(key.number()).await?;
        let row = row.filter(|row| executor_id(row) == id).ok_or_else(no_executor)?;
        let subject = Subject::new("executor", id);
        if !caller.sees(&row.tenant) {
            self.note_denied(caller, &subject, json!({"wanted": action, "reason": "another tenant"})).await?;
            return Err(no_executor());
        }
        self.permit(caller, Some(Kind::Job), action, &subject).await?;
        Ok(row)
    }

    /// The executor of a job: the one that it names, else the one whose globs fit best, and of several the one that was
    /// registered first.
    pub(super) async fn executor_of(
        &self,
        job: &JobRow,
        workflow: Option<&str>,
    ) -> Result<Option<OpenedExecutor>> {
        let mut read = self.read().await?;
        let named = match read.executor_of_job(job.number).await? {
            Some(number) => read.executor(number).await?,
            None => None,
        };
        let chosen = if named.is_some() {
            named
        } else {
            let all = read.executors(&job.tenant, &job.project).await?;
            let fitting = all.into_iter().filter_map(|row| {
                let fitness = fitness(&row.patterns, &job.name, workflow)?;
                Some((fitness, row))
            });
            fitting.max_by_key(|(fitness, row)| (*fitness, -row.number)).map(|(_, row)| row)
        };
        drop(read);
        match chosen {
            Some(row) => self.open_executor(row).await.map(Some),
            None => Ok(None),
        }
    }

    /// The resume with this public id, its job, and what was said about it.
    pub(super) async fn find_resume(
        &self,
        session: &mut Session,
        id: &str,
    ) -> Result<(ResumeRow, JobRow, ResumeRecord)> {
        let (key, _) = ResumeKey::parse(id).ok_or_else(no_resume)?;
        let row = session.resume(key.number()).await?.ok_or_else(no_resume)?;
        let job = session.jobs_by_number(&[row.job]).await?.pop().ok_or_else(no_resume)?;
        if resume_id(row.number, &job) != id {
            return Err(no_resume());
        }
        let record = self.resume_record(&row, &job).await?;
        Ok((row, job, record))
    }

    pub(super) async fn resume_record(&self, row: &ResumeRow, job: &JobRow) -> Result<ResumeRecord> {
        let keys = JobKeys::of(self.keyring().await?, job);
        let plain = keys.open(Place::Resume(row.number), row.record.clone()).ok();
        plain.and_then(|(_, plain)| ResumeRecord::decode(&plain).ok()).ok_or_else(|| {
            ServiceError::new(ErrorKind::Damaged, "The record of the resume is damaged")
                .hint("restore the checkpoint once more")
        })
    }

    /// The same for a caller who may do `action` to the job.
    pub(super) async fn permitted_resume(
        &self,
        caller: &Caller,
        id: &str,
        action: Action,
    ) -> Result<(ResumeRow, JobRow, ResumeRecord)> {
        let mut read = self.read().await?;
        let found = self.find_resume(&mut read, id).await?;
        drop(read);
        let subject = Subject::new("resume", id);
        if !caller.sees(&found.0.tenant) {
            self.note_denied(caller, &subject, json!({"wanted": action, "reason": "another tenant"})).await?;
            return Err(no_resume());
        }
        self.permit(caller, Some(Kind::Job), action, &subject).await?;
        Ok(found)
    }
}
