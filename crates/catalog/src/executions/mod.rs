//! Executions of workflows and their steps.

mod read;
mod row;
mod write;

pub use read::{ApprovalFilter, ExecutionFilter};
pub use row::{ExecutionNumbers, ExecutionRow, StepRow};
