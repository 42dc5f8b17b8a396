//! Progress as ndjson events.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use backstay_repository::Progress;
use serde_json::json;

use crate::output::Output;

/// The least time between two events.
const INTERVAL: Duration = Duration::from_millis(250);

/// Writes a `progress` event now and then.
#[derive(Debug)]
pub(super) struct Events {
    output: Output,
    operation: String,
    started: Instant,
    last_milliseconds: AtomicU64,
    files: AtomicU64,
    bytes: AtomicU64,
    total_files: AtomicU64,
    total_bytes: AtomicU64,
    current: Mutex<Vec<u8>>,
}

impl Events {
    /// Progress of the operation `verb`.
    pub(super) fn new(output: Output, verb: &str) -> Self {
        Self {
            output,
            operation: verb.to_lowercase(),
            started: Instant::now(),
            last_milliseconds: AtomicU64::new(0),
            files: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            total_files: AtomicU64::new(0),
            total_bytes: AtomicU64::new(0),
            current: Mutex::default(),
        }
    }

    fn emit(&self) {
        let now = self.started.elapsed().as_millis() as u64;
        let last = self.last_milliseconds.load(Ordering::Relaxed);
        if now < last + INTERVAL.as_millis() as u64
            || self
                .last_milliseconds
                .compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed)
                .is_err()
        {
            return;
        }
        let known = |counter: &AtomicU64| Some(counter.load(Ordering::Relaxed)).filter(|count| *count > 0);
        let current = self.current.lock().map(|path| String::from_utf8_lossy(&path).into_owned()).ok();
        self.output.event(
            "progress",
            &json!({
                "operation": self.operation,
                "items_done": self.files.load(Ordering::Relaxed),
                "items_total": known(&self.total_files),
                "bytes_done": self.bytes.load(Ordering::Relaxed),
                "bytes_total": known(&self.total_bytes),
                "current": current.filter(|path| !path.is_empty()),
            }),
        );
    }
}

impl Progress for Events {
    fn expect(&self, files: u64, bytes: u64) {
        self.total_files.store(files, Ordering::Relaxed);
        self.total_bytes.store(bytes, Ordering::Relaxed);
        self.emit();
    }

    fn advance(&self, files: u64, bytes: u64) {
        self.files.fetch_add(files, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.emit();
    }

    fn current(&self, what: &[u8]) {
        if let Ok(mut current) = self.current.try_lock() {
            current.clear();
            current.extend_from_slice(what);
        }
    }
}
