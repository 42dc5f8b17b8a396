//! Time that passes also while the machine sleeps.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Counts from a moment on; not moved by changes of the clock, and not stopped while the machine is suspended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stopwatch(Duration);

impl Stopwatch {
    /// Starts to count.
    pub(crate) fn start() -> Self {
        Self(since_boot())
    }

    /// How much time has passed.
    pub(crate) fn elapsed(&self) -> Duration {
        since_boot().saturating_sub(self.0)
    }
}

fn since_boot() -> Duration {
    let time = clock_gettime(ClockId::Boottime);
    Duration::new(time.tv_sec.max(0) as u64, time.tv_nsec.clamp(0, 999_999_999) as u32)
}
