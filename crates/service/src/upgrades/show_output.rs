//! Reads what the commands of an operation said.

use backstay_model::{Action, Caller, OperationId};

use super::output;
use crate::error::Result;
use crate::service::{Service, blocking};
use crate::view::{OperationState, UpgradeEvent};

/// A part of the output of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputPart {
    /// The events, from the number that was asked for on.
    pub events: Vec<UpgradeEvent>,
    /// The number of the next event.
    pub next: usize,
    /// Whether the operation has ended, so that nothing follows.
    pub ended: bool,
}

impl Service {
    /// The kept output of an operation from event number `from` on; also while it runs.
    pub async fn operation_output(
        &self,
        caller: &Caller,
        id: &OperationId,
        from: usize,
    ) -> Result<OutputPart> {
        // Looked at first: what is written before the end is there once the end is seen.
        let operation = self.show_operation(caller, id).await?;
        let source = self.permitted_source(caller, &operation.source, Action::View).await?;
        let (root, id) = (self.workspace_root(&source)?, id.clone());
        let (events, next) = blocking("read the output", move || output::read(&root, &id, from)).await?;
        Ok(OutputPart { events, next, ended: operation.state != OperationState::Running })
    }
}
