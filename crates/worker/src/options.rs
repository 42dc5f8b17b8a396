//! How a worker works.

use std::time::Duration;

/// How a worker works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerOptions {
    /// The name under which it holds leases; unique among all workers of a catalog.
    pub name: String,
    /// How many tasks it runs at once, at least 1.
    pub concurrency: usize,
    /// How long it waits before it looks for a task again when there was none.
    pub poll: Duration,
    /// How often it says that it is alive and how far it is; well below the lease of the service's settings.
    pub heartbeat: Duration,
    /// How long a task waits for the lock of a workspace.
    pub lock_wait: Duration,
    /// How often it looks for webhooks to send.
    pub webhooks_every: Duration,
    /// How often it looks for approvals whose deadline has passed.
    pub deadlines_every: Duration,
    /// How often it tidies up.
    pub tidy_every: Duration,
    /// How often it looks whether the work of the day is queued.
    pub daily_work_every: Duration,
    /// Whether it does more than running tasks: webhooks, deadlines, tidying, daily work.
    pub schedules: bool,
}

impl Default for WorkerOptions {
    fn default() -> Self {
        Self {
            name: "worker".to_owned(),
            concurrency: 2,
            poll: Duration::from_millis(200),
            heartbeat: Duration::from_secs(2),
            lock_wait: Duration::from_mins(5),
            webhooks_every: Duration::from_millis(500),
            deadlines_every: Duration::from_secs(1),
            tidy_every: Duration::from_mins(1),
            daily_work_every: Duration::from_mins(10),
            schedules: true,
        }
    }
}
