//! Progress as counters that anyone may look at.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use backstay_repository::Progress;

/// Counts the progress of one operation. Written by its threads, read by whoever shows it.
#[derive(Debug, Default)]
pub struct Counters {
    files: AtomicU64,
    bytes: AtomicU64,
    expected_files: AtomicU64,
    expected_bytes: AtomicU64,
    current: Mutex<Vec<u8>>,
}

/// The counters at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CountersSnapshot {
    /// Files done.
    pub files: u64,
    /// Bytes done.
    pub bytes: u64,
    /// Files in all, as far as known; 0 when unknown.
    pub expected_files: u64,
    /// Bytes in all, as far as known; 0 when unknown.
    pub expected_bytes: u64,
    /// The path that was last begun.
    pub current: Vec<u8>,
}

impl Counters {
    /// Counters at zero.
    pub fn new() -> Self {
        Self::default()
    }

    /// The counters now; each is exact, together they may be of slightly different moments.
    pub fn snapshot(&self) -> CountersSnapshot {
        CountersSnapshot {
            files: self.files.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            expected_files: self.expected_files.load(Ordering::Relaxed),
            expected_bytes: self.expected_bytes.load(Ordering::Relaxed),
            current: self.current.lock().map(|path| path.clone()).unwrap_or_default(),
        }
    }
}

impl Progress for Counters {
    fn expect(&self, files: u64, bytes: u64) {
        self.expected_files.store(files, Ordering::Relaxed);
        self.expected_bytes.store(bytes, Ordering::Relaxed);
    }

    fn advance(&self, files: u64, bytes: u64) {
        self.files.fetch_add(files, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    fn current(&self, what: &[u8]) {
        // A reader that holds the lock just now keeps the older path; nobody waits for it.
        if let Ok(mut path) = self.current.try_lock() {
            path.clear();
            path.extend_from_slice(what);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_add_up() {
        let counters = Counters::new();
        counters.expect(3, 100);
        counters.advance(1, 40);
        counters.advance(1, 2);
        counters.current(b"a/b");
        let now = counters.snapshot();
        assert_eq!((now.files, now.bytes, now.expected_files, now.expected_bytes), (2, 42, 3, 100));
        assert_eq!(now.current, b"a/b");
    }
}
