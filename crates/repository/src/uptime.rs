//! Time that passes also while the machine sleeps, and that nobody sets.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Where captures and collections learn how long they have been at work.
pub trait Uptime: Send + Sync + fmt::Debug {
    /// The time since some fixed moment. It never goes back, goes on while the machine is suspended, and does not follow
    /// changes of the wall clock.
    fn uptime(&self) -> Duration;
}

/// The time since the machine was started.
#[derive(Debug, Clone, Copy, Default)]
pub struct BootTime;

impl Uptime for BootTime {
    fn uptime(&self) -> Duration {
        let time = clock_gettime(ClockId::Boottime);
        Duration::new(time.tv_sec.max(0) as u64, time.tv_nsec.clamp(0, 999_999_999) as u32)
    }
}

/// Counts from a moment on.
#[derive(Debug, Clone)]
pub(crate) struct Stopwatch {
    uptime: Arc<dyn Uptime>,
    started: Duration,
}

impl Stopwatch {
    /// Starts to count.
    pub(crate) fn start(uptime: &Arc<dyn Uptime>) -> Self {
        Self { uptime: Arc::clone(uptime), started: uptime.uptime() }
    }

    /// How much time has passed.
    pub(crate) fn elapsed(&self) -> Duration {
        self.uptime.uptime().saturating_sub(self.started)
    }
}
