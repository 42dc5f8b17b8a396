//! What goes into a capture session and what comes out.

use std::sync::Arc;

use crate::id::ManifestId;
use crate::manifest::Manifest;
use crate::progress::{Cancel, NoProgress, Progress};
use crate::uptime::{BootTime, Uptime};

/// How a capture writes.
#[derive(Debug, Clone)]
pub struct WriterOptions {
    /// The manifest of the snapshot from which unchanged content will be taken over. Content and directories of this
    /// manifest, and of no other, may be referenced without being stored again.
    pub parent: Option<ManifestId>,
    /// How many threads may work at once, at least 1; by default that of the machine's cores.
    pub threads: usize,
    /// Told of every byte of content that is stored or found to be stored; files are counted by the caller.
    pub progress: Arc<dyn Progress>,
    /// Stops the capture.
    pub cancel: Cancel,
    /// Tells how long the capture has been at work; by default the time since the machine was started.
    pub uptime: Arc<dyn Uptime>,
}

impl Default for WriterOptions {
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            parent: None,
            threads,
            progress: Arc::new(NoProgress),
            cancel: Cancel::new(),
            uptime: Arc::new(BootTime),
        }
    }
}

/// What a capture wrote so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WriteStats {
    /// Bytes of content and directories that were looked at.
    pub read_bytes: u64,
    /// Bytes of those in chunks that were new to the repository.
    pub new_bytes: u64,
    /// Bytes that the packs grew by.
    pub stored_bytes: u64,
    /// Chunks that were new.
    pub new_chunks: u64,
    /// Chunks that were there already.
    pub known_chunks: u64,
}

/// The answer of a finished capture.
#[derive(Debug, Clone)]
pub struct Receipt {
    /// The root manifest: durable.
    pub id: ManifestId,
    /// The manifest as written, with its sizes.
    pub manifest: Manifest,
    /// What was written for it.
    pub stats: WriteStats,
}
