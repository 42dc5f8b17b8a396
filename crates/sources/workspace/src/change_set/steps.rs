//! A hook for tests: stops an operation where a power cut could.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Result, WorkspaceError};

/// Counts the steps of an operation at which a crash would leave something on the disk, and can stop at one of them as a
/// crash would: nothing is cleaned up. Clones count together.
#[derive(Debug, Clone, Default)]
pub struct Steps {
    passed: Arc<AtomicU64>,
    stop_at: Option<u64>,
}

impl Steps {
    /// Never stops.
    pub fn unlimited() -> Self {
        Self { passed: Arc::default(), stop_at: None }
    }

    /// Stops before the step of this number, counted from 0.
    pub fn stop_at(step: u64) -> Self {
        Self { passed: Arc::default(), stop_at: Some(step) }
    }

    /// How many steps there were.
    pub fn passed(&self) -> u64 {
        self.passed.load(Ordering::Relaxed)
    }

    /// Whether it stopped.
    pub(crate) fn stopped(&self) -> bool {
        self.stop_at.is_some_and(|limit| self.passed() > limit)
    }

    pub(crate) fn pass(&self) -> Result<()> {
        let step = self.passed.fetch_add(1, Ordering::Relaxed);
        match self.stop_at {
            Some(limit) if step >= limit => Err(WorkspaceError::Fault { step }),
            _ => Ok(()),
        }
    }
}
