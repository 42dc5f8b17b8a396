//! Background work.

mod list_tasks;
mod run_task;

pub use run_task::{ClaimedTask, Heartbeat};
