//! How a long use case tells of its progress, is stopped, and waits for a lock.

use std::sync::Arc;
use std::time::Duration;

use backstay_repository::{Cancel, NoProgress, Progress};

/// What accompanies a use case that takes long.
#[derive(Debug, Clone)]
pub struct Run {
    /// Receives the progress, from any thread.
    pub progress: Arc<dyn Progress>,
    /// Stops the work at its next opportunity; nothing is half done then.
    pub cancel: Cancel,
    /// How long to wait for the lock of a workspace.
    pub wait: Duration,
}

impl Default for Run {
    /// No progress, no cancelling, no waiting.
    fn default() -> Self {
        Self { progress: Arc::new(NoProgress), cancel: Cancel::new(), wait: Duration::ZERO }
    }
}
