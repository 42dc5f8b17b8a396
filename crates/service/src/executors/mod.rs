//! Executors: what lets a job go on from a state that was restored.
//!
//! A resume is one attempt. It begins in a transaction that sees no pending approval and no other attempt and that keeps a
//! safety checkpoint; then the executor is told; what it answered is committed in a second transaction, which also raises
//! the epoch of the job. An executor that answers when nobody waits any more can still confirm, unless a newer attempt
//! was begun.

mod begin_resume;
mod capture_state;
mod confirm_resume;
mod create_executor;
mod delete_executor;
mod deliver_resume;
mod end_resumes;
mod get_resume;
mod list_executors;
mod message;
mod name_executor;
mod opened;
mod poll_executor;
mod resume_job;

use crate::error::ServiceError;

fn no_executor() -> ServiceError {
    ServiceError::not_found("Executor")
}

fn no_resume() -> ServiceError {
    ServiceError::not_found("Resume")
}
