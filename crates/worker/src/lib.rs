//! The task runner and the scheduler.
