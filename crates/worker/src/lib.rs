//! The task runner and the scheduler.
//!
//! [`run`] claims tasks, runs them, and says at every heartbeat that it is alive and how far it is; a task whose worker has
//! died is taken over by another one. Beside that it sends webhooks, tidies up, and queues what is due every day. Any
//! number of workers, in one process or many, share the work of one catalog.
//!
//! The rules are in the use cases: nothing here decides.

mod options;
mod runner;
mod scheduler;
mod task;

pub use options::WorkerOptions;
pub use runner::run;
