//! Reads what the commands of an operation said.

use backstay_model::{Action, Caller, OperationId};

use super::output::{self, KeptEvent};
use crate::error::Result;
use crate::service::{Service, blocking};
use crate::view::OperationState;

/// A part of the output of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputPart {
    /// The events, from the place that was asked for on, at most about a mebibyte of them.
    pub events: Vec<KeptEvent>,
    /// Where the operation is. Unless it is running, nothing follows once there are no more events.
    pub state: OperationState,
}

impl Service {
    /// The kept output of an operation from the place `from` on, 0 for all of it; also while it runs.
    pub async fn operation_output(&self, caller: &Caller, id: &OperationId, from: u64) -> Result<OutputPart> {
        // Looked at first: what is written before the end is there once the end is seen.
        let operation = self.show_operation(caller, id).await?;
        let task_runs = match &operation.task {
            Some(task) => self.read().await?.task(task).await?.is_some_and(|task| !task.state.is_final()),
            None => false,
        };
        let source = self.permitted_source(caller, &operation.source, Action::View).await?;
        let (root, id) = (self.workspace_root(&source)?, id.clone());
        let events = blocking("read the output", move || output::read(&root, &id, from)).await?;
        // The report is written after the end is noted, and before that of the task is.
        let state = if task_runs { OperationState::Running } else { operation.state };
        Ok(OutputPart { events, state })
    }
}
