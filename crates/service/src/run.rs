//! How a long use case tells of its progress, is stopped, and waits for a lock.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use backstay_repository::{Cancel, NoProgress, Progress};
use serde::{Deserialize, Serialize};

/// What accompanies a use case that takes long.
#[derive(Debug, Clone)]
pub struct Run {
    /// Receives the progress, from any thread.
    pub progress: Arc<dyn Progress>,
    /// Stops the work at its next opportunity; nothing is half done then.
    pub cancel: Cancel,
    /// How long to wait for the lock of a workspace.
    pub wait: Duration,
    /// Receives what the person should know although the use case succeeds.
    pub notices: Notices,
}

/// What a person should know although what they asked for was done: it went without something, or something after it
/// failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// A stable word, for example `hook_failed`.
    pub code: Cow<'static, str>,
    /// What happened.
    pub message: String,
    /// What to do next, or what the failed thing said.
    pub hint: Option<String>,
}

/// Collects notices. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Notices(Arc<Mutex<Vec<Notice>>>);

impl Notices {
    /// Takes out what was collected, in order.
    pub fn take(&self) -> Vec<Notice> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Adds one; the same one twice is one.
    pub fn add(&self, notice: Notice) {
        let mut notices = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !notices.contains(&notice) {
            notices.push(notice);
        }
    }
}

impl Default for Run {
    /// No progress, no cancelling, no waiting.
    fn default() -> Self {
        Self {
            progress: Arc::new(NoProgress),
            cancel: Cancel::new(),
            wait: Duration::ZERO,
            notices: Notices::default(),
        }
    }
}
