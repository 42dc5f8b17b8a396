//! Executions of workflows: steps, and approvals that nothing bypasses.
//!
//! Every change of an execution is one transaction: read it, apply deadlines that have passed, ask the state machine of
//! [`backstay_source_job::execution`], write what moved and one event for each. Transactions that write follow each other,
//! so the first decision that commits is the one that counts. What is saved together with the end of a step goes through
//! the queue of all saves and shares its transaction.

mod clean_executions;
mod complete_step;
mod create_step;
mod decide_approval;
mod decide_approvals;
mod execution_events;
mod fork_execution;
mod get_execution;
mod list_approvals;
mod list_executions;
mod list_steps;
mod listed;
mod needs;
mod opened;
mod pass_deadlines;
mod person;
mod start_execution;
mod steer_execution;
mod wait_step;

pub(crate) use complete_step::Completion;
pub(crate) use fork_execution::Fork;
pub(crate) use opened::Opened;

use backstay_source_job::State;
use backstay_source_job::execution::Refusal;

use crate::error::ServiceError;
use crate::limits::Fields;

/// The largest `input_data`, `output_data`, `initial_data` or `metadata`, in bytes of JSON text.
const MAX_DATA_BYTES: usize = 1 << 20;

fn check_data(fields: &mut Fields, field: &str, data: Option<&State>) {
    let good = data.is_none_or(|data| data.as_str().len() <= MAX_DATA_BYTES);
    fields.check(good, field, "it takes at most 1048576 bytes");
}

fn no_execution(id: &str) -> ServiceError {
    let shown: String = id.chars().take(140).collect();
    ServiceError::new(backstay_model::ErrorKind::NotFound, format!("Execution not found: {shown}"))
}

fn no_step(name: &str) -> ServiceError {
    let shown: String = name.chars().take(255).collect();
    ServiceError::new(backstay_model::ErrorKind::NotFound, format!("Checkpoint not found: {shown}"))
}

impl From<Refusal> for ServiceError {
    fn from(refusal: Refusal) -> Self {
        let (code, hint) = match &refusal {
            Refusal::Ended(_) => ("ended", "fork it to try again"),
            Refusal::Waiting(_) => ("waiting_for_approval", "an approver decides first"),
            Refusal::Paused(_) => ("paused", "resume the execution first"),
            Refusal::NotPaused(_) => ("not_paused", "only a paused execution is resumed"),
            Refusal::OpenStep(_) => ("open_step", "complete its open steps first, or cancel it"),
            Refusal::Step { .. } | Refusal::NoStep => ("step_state", "show the step to see how far it is"),
            Refusal::NotWaiting(_) => ("not_waiting", "the step asked for no approval"),
        };
        Self::conflict(refusal.to_string()).code(code).hint(hint)
    }
}
