//! Tasks: units of background work with a lease.

mod list;
mod queue;
mod row;

pub use list::TaskFilter;
#[cfg(test)]
pub(crate) use queue::claim_statement;
pub use queue::{ClaimOptions, Enqueued, Finish, Heartbeat};
pub use row::{Lease, NewTask, TaskRow, TaskState};
