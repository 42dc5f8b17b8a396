//! Executors and resumes.

use backstay_api::executor as api;
use backstay_model::execution::Capability;
use backstay_service::{ServiceError, view};

/// An executor.
pub fn executor(from: view::Executor) -> api::Executor {
    api::Executor {
        executor_id: from.executor_id,
        project: from.project,
        name: from.name,
        mode: from.url.is_none().then_some(api::ExecutorMode::Pull),
        url: from.url,
        r#match: from.patterns,
        timeout_s: from.timeout_s,
        capabilities: from.capabilities,
        created_at: from.created_at,
    }
}

/// A new executor with its secret.
pub fn created_executor(from: view::CreatedExecutor) -> api::CreatedExecutor {
    api::CreatedExecutor { executor: executor(from.executor), secret: from.secret }
}

/// An executor to register.
#[expect(clippy::result_large_err, reason = "it is the error of the layer that asks")]
pub fn new_executor(from: api::NewExecutor) -> Result<view::NewExecutor, ServiceError> {
    if from.url.is_some() == from.mode.is_some() {
        return Err(ServiceError::invalid("url", "give it or `mode: \"pull\"`"));
    }
    Ok(view::NewExecutor {
        name: from.name,
        url: from.url,
        patterns: from.r#match,
        timeout_s: from.timeout_s.unwrap_or(10),
        capabilities: from.capabilities.unwrap_or_else(|| vec![Capability::Resume]),
    })
}

/// A resume.
pub fn resume(from: view::Resume) -> api::Resume {
    api::Resume {
        resume_id: from.resume_id,
        job_id: from.job_id,
        checkpoint_id: from.checkpoint_id,
        safety_checkpoint_id: from.safety_checkpoint_id,
        state: from.state,
        epoch: from.epoch,
        requested_by: from.requested_by,
        reason: from.reason,
        failure: from.failure,
        created_at: from.created_at,
        ended_at: from.ended_at,
    }
}
