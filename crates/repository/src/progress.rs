//! How a long operation tells of its progress, and how it is stopped.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{RepositoryError, Result};

/// Receives the progress of an operation, from many threads. Every method must return quickly.
pub trait Progress: Send + Sync + fmt::Debug {
    /// What there is to do becomes known, or better known: `files` and `bytes` in all.
    fn expect(&self, files: u64, bytes: u64) {
        let _ = (files, bytes);
    }

    /// Another `files` files and `bytes` bytes are done since the last call.
    fn advance(&self, files: u64, bytes: u64) {
        let _ = (files, bytes);
    }

    /// What is being worked on: a path or the name of an object.
    fn current(&self, what: &[u8]) {
        let _ = what;
    }
}

/// Ignores all progress.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoProgress;

impl Progress for NoProgress {}

/// A flag that stops an operation at its next opportunity. Clones share the flag.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// A flag that is not set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks every operation that holds a clone to stop.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether [`Cancel::cancel`] was called.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// [`RepositoryError::Cancelled`] once the flag is set.
    pub fn check(&self) -> Result<()> {
        if self.is_cancelled() { Err(RepositoryError::Cancelled) } else { Ok(()) }
    }
}
