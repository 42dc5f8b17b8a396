//! Executors of jobs, and their attempts to let a job go on.

mod read;
mod row;
mod write;

pub use row::{ExecutorRow, ResumeRow};
