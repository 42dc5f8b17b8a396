//! A hook for tests: stops a restore where a power cut could.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Result, WorkspaceError};

/// Counts the steps of a restore at which a crash would leave something on the disk, and can stop at one of them as a
/// crash would: nothing is cleaned up.
#[derive(Debug, Default)]
pub struct Steps {
    passed: AtomicU64,
    stop_at: Option<u64>,
}

impl Steps {
    /// Never stops.
    pub const fn unlimited() -> Self {
        Self { passed: AtomicU64::new(0), stop_at: None }
    }

    /// Stops before the step of this number, counted from 0.
    pub const fn stop_at(step: u64) -> Self {
        Self { passed: AtomicU64::new(0), stop_at: Some(step) }
    }

    /// How many steps there were.
    pub fn passed(&self) -> u64 {
        self.passed.load(Ordering::Relaxed)
    }

    pub(crate) fn pass(&self) -> Result<()> {
        let step = self.passed.fetch_add(1, Ordering::Relaxed);
        match self.stop_at {
            Some(limit) if step >= limit => Err(WorkspaceError::Fault { step }),
            _ => Ok(()),
        }
    }
}
