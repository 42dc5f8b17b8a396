//! What a capture gets and gives.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use backstay_model::Clock;
use backstay_repository::{Cancel, CaptureWarning, Counts, DirectoryRef, Progress};

/// The most warnings that a snapshot keeps; further ones are counted.
const MOST_WARNINGS: usize = 1000;

/// What every capture gets, whatever the kind.
#[derive(Debug, Clone)]
pub struct CaptureContext {
    /// The present time.
    pub clock: Arc<dyn Clock>,
    /// Told of what is done.
    pub progress: Arc<dyn Progress>,
    /// Stops the capture; it then fails and leaves no snapshot.
    pub cancel: Cancel,
    /// How many threads may work, at least 1.
    pub threads: usize,
}

/// A captured state: what [`backstay_repository::Manifest`] needs to know from the source.
#[derive(Debug, Clone)]
pub struct Captured {
    /// The content.
    pub root: DirectoryRef,
    /// How many entries it has.
    pub counts: Counts,
    /// The sum of the lengths of all files, each hard-linked file once.
    pub logical_bytes: u64,
    /// Files whose bytes were read; the others were taken over from the parent.
    pub read_files: u64,
    /// Bytes that were read.
    pub read_bytes: u64,
    /// Whether something could not be captured as it is.
    pub partial: bool,
    /// What the kind wants to find in the manifest later.
    pub attributes: BTreeMap<String, serde_json::Value>,
    /// What could not be done as asked.
    pub warnings: Vec<CaptureWarning>,
}

/// Collects warnings from many threads.
#[derive(Debug, Default)]
pub struct Warnings {
    kept: Mutex<(Vec<CaptureWarning>, u64)>,
}

impl Warnings {
    /// No warnings yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a warning.
    pub fn add(&self, path: &[u8], code: &'static str, detail: impl Into<String>) {
        let mut kept = self.kept.lock().expect("no holder of this lock panics");
        if kept.0.len() < MOST_WARNINGS {
            kept.0.push(CaptureWarning::new(path, code, detail));
        } else {
            kept.1 += 1;
        }
    }

    /// All warnings, sorted by path; a last one tells how many did not fit.
    pub fn into_sorted(self) -> Vec<CaptureWarning> {
        let (mut warnings, more) = self.kept.into_inner().expect("no holder of this lock panics");
        warnings.sort_by(|a, b| (&a.path, &a.code).cmp(&(&b.path, &b.code)));
        if more > 0 {
            warnings.push(CaptureWarning::new(
                b"",
                "more_warnings",
                format!("{more} more warnings are not kept"),
            ));
        }
        warnings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_beyond_the_limit_are_counted() {
        let warnings = Warnings::new();
        for number in 0..MOST_WARNINGS + 7 {
            warnings.add(format!("{number:05}").as_bytes(), "unreadable", "it cannot be opened");
        }
        let kept = warnings.into_sorted();
        assert_eq!(kept.len(), MOST_WARNINGS + 1);
        assert!(kept[MOST_WARNINGS].detail.starts_with("7 more"));
    }
}
