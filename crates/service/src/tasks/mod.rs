//! Background work.

mod housekeeping;
mod list_tasks;
mod payload;
mod run_task;

pub(crate) use payload::Work;
pub use run_task::{ClaimedTask, Heartbeat};
