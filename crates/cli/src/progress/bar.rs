//! The bar on a terminal: rate, time left and the current file.

use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use backstay_repository::Progress;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::human;

/// How often the line changes.
const REFRESH: Duration = Duration::from_millis(100);
/// Operations shorter than this show nothing.
const PATIENCE: Duration = Duration::from_millis(300);

/// A progress bar on standard error.
pub(super) struct Bar {
    line: ProgressBar,
    verb: &'static str,
    started: Instant,
    files: AtomicU64,
    total_files: AtomicU64,
    /// Milliseconds after the start at which the line was last written.
    last_milliseconds: AtomicU64,
    current: Mutex<Vec<u8>>,
}

impl fmt::Debug for Bar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bar").field("verb", &self.verb).finish_non_exhaustive()
    }
}

impl Bar {
    /// A bar that appears when the operation takes longer than a moment.
    pub(super) fn new(verb: &'static str) -> Self {
        let line = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        line.set_style(words_style());
        line.set_prefix(verb);
        Self {
            line,
            verb,
            started: Instant::now(),
            files: AtomicU64::new(0),
            total_files: AtomicU64::new(0),
            last_milliseconds: AtomicU64::new(0),
            current: Mutex::default(),
        }
    }

    /// Takes the bar off the screen.
    pub(super) fn clear(&self) {
        self.line.finish_and_clear();
    }

    /// Rewrites the line when it is due; one thread wins, the others go on.
    fn refresh(&self) {
        let elapsed = self.started.elapsed();
        if elapsed < PATIENCE {
            return;
        }
        let now = elapsed.as_millis() as u64;
        let last = self.last_milliseconds.load(Ordering::Relaxed);
        if now < last + REFRESH.as_millis() as u64
            || self
                .last_milliseconds
                .compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed)
                .is_err()
        {
            return;
        }
        if last == 0 {
            self.line.set_draw_target(ProgressDrawTarget::stderr());
        }
        let path =
            self.current.lock().map(|path| String::from_utf8_lossy(&path).into_owned()).unwrap_or_default();
        let files = self.files.load(Ordering::Relaxed);
        let total = self.total_files.load(Ordering::Relaxed);
        let files = match (files, total) {
            // Git counts in its own words.
            (0, 0) => String::new(),
            (files, 0) => format!("{} files  ", human::grouped(files)),
            (files, total) => format!("{}/{} files  ", human::grouped(files), human::grouped(total)),
        };
        self.line.set_message(format!("{files}{}", human::one_line(&path)));
        self.line.tick();
    }
}

impl Progress for Bar {
    fn expect(&self, files: u64, bytes: u64) {
        self.total_files.store(files, Ordering::Relaxed);
        if bytes > 0 {
            if self.line.length().is_none() {
                self.line.set_style(bar_style());
            }
            self.line.set_length(bytes);
        }
        self.refresh();
    }

    fn advance(&self, files: u64, bytes: u64) {
        self.files.fetch_add(files, Ordering::Relaxed);
        if bytes > 0 {
            if self.line.position() == 0 && self.line.length().is_none() {
                self.line.set_style(spinner_style());
            }
            self.line.inc(bytes);
        }
        self.refresh();
    }

    fn current(&self, what: &[u8]) {
        if let Ok(mut current) = self.current.try_lock() {
            current.clear();
            current.extend_from_slice(what);
        }
    }
}

/// For what is not counted in bytes.
fn words_style() -> ProgressStyle {
    ProgressStyle::with_template("{prefix} {spinner} {wide_msg}")
        .unwrap_or_else(|_| ProgressStyle::default_spinner())
}

fn spinner_style() -> ProgressStyle {
    ProgressStyle::with_template("{prefix} {spinner} {bytes} {binary_bytes_per_sec}  {wide_msg}")
        .unwrap_or_else(|_| ProgressStyle::default_spinner())
}

fn bar_style() -> ProgressStyle {
    ProgressStyle::with_template(
        "{prefix} [{bar:20}] {bytes}/{total_bytes} {binary_bytes_per_sec} ETA {eta}  {wide_msg}",
    )
    .unwrap_or_else(|_| ProgressStyle::default_bar())
    .progress_chars("=> ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_templates_are_valid_and_counting_works_before_anything_is_shown() {
        let bar = Bar::new("Saving");
        bar.expect(2, 100);
        bar.current(b"a\xff");
        bar.advance(1, 60);
        assert_eq!((bar.line.position(), bar.line.length()), (60, Some(100)));
        assert_eq!(bar.files.load(Ordering::Relaxed), 1);
    }
}
