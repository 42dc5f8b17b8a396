//! What commands say: to whoever watches, at once, and into a file that can be read later.

use std::fmt;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use backstay_model::OperationId;
use backstay_process::Stream;
use parking_lot::Mutex;

use crate::error::Result;
use crate::open::cannot;
use crate::view::UpgradeEvent;

/// Where the outputs are, below the root of the workspace.
const DIRECTORY: &str = ".backstay/runs";
/// How many bytes of one command are kept.
const MOST_BYTES: u64 = 10 << 20;
/// Of how many operations.
const MOST_OPERATIONS: usize = 50;
/// How many bytes of the file are read at once.
const READ_BYTES: u64 = 1 << 20;
/// The longest line: what a command wrote at a stretch, or a report.
const LINE_BYTES: u64 = 64 << 20;

/// Receives what happens, from any thread.
#[derive(Clone)]
pub struct Watch(Arc<dyn Fn(&UpgradeEvent) + Send + Sync>);

impl Watch {
    /// Calls `seen` for each event. While it works, commands that write wait.
    pub fn new(seen: impl Fn(&UpgradeEvent) + Send + Sync + 'static) -> Self {
        Self(Arc::new(seen))
    }

    /// Nobody watches.
    pub fn nobody() -> Self {
        Self::new(|_| {})
    }

    pub(super) fn tell(&self, event: &UpgradeEvent) {
        (self.0)(event);
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watch")
    }
}

/// The output of one operation while it runs.
#[derive(Debug)]
pub(crate) struct Recorder {
    watch: Watch,
    file: Mutex<Option<File>>,
    /// The number of the present command, and how much of it is kept.
    step: Mutex<(usize, u64)>,
}

impl Recorder {
    /// Begins the file of an operation, and forgets those of operations long past.
    pub(crate) fn begin(root: &Path, operation: &OperationId, watch: Watch) -> Result<Self> {
        let directory = root.join(DIRECTORY);
        fs::create_dir_all(&directory).map_err(|error| cannot("create", &directory, error))?;
        forget_old(&directory);
        let path = path_of(root, operation);
        let file = File::create(&path).map_err(|error| cannot("create", &path, error))?;
        Ok(Self { watch, file: Mutex::new(Some(file)), step: Mutex::new((0, 0)) })
    }

    /// Tells and keeps an event.
    pub(crate) fn tell(&self, event: &UpgradeEvent) {
        self.watch.tell(event);
        self.keep(event);
    }

    /// A command begins.
    pub(crate) fn started(&self, step: usize, event: &UpgradeEvent) {
        *self.step.lock() = (step, 0);
        self.tell(event);
    }

    /// A command wrote something.
    pub(crate) fn wrote(&self, stream: Stream, bytes: &[u8]) {
        let (number, kept) = *self.step.lock();
        let event = UpgradeEvent::Output {
            step: number,
            stream: match stream {
                Stream::Stdout => "stdout".to_owned(),
                Stream::Stderr => "stderr".to_owned(),
            },
            text: String::from_utf8_lossy(bytes).into_owned(),
        };
        self.watch.tell(&event);
        let now = kept + bytes.len() as u64;
        self.step.lock().1 = now;
        if now <= MOST_BYTES {
            self.keep(&event);
        } else if kept <= MOST_BYTES {
            self.keep(&UpgradeEvent::Truncated { step: number });
        }
    }

    /// A disk that is full keeps no output; that is no reason to fail.
    pub(super) fn keep(&self, event: &UpgradeEvent) {
        let mut file = self.file.lock();
        let Some(open) = file.as_mut() else { return };
        let mut line = serde_json::to_vec(event).expect("texts and numbers can be written as JSON");
        line.push(b'\n');
        if let Err(error) = open.write_all(&line) {
            tracing::warn!(%error, "output is no longer kept");
            *file = None;
        }
    }
}

/// An event that was kept, and where the next one begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptEvent {
    /// Asking from here on gives what follows.
    pub next: u64,
    /// The event.
    pub event: UpgradeEvent,
}

/// The kept output from `from` on, as much as fits into one answer. Nothing when nothing is kept. A place that no event
/// begins at is that of the next one.
pub(super) fn read(root: &Path, operation: &OperationId, from: u64) -> Result<Vec<KeptEvent>> {
    let path = path_of(root, operation);
    let failed = |error| cannot("read", &path, error);
    let mut file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    file.seek(SeekFrom::Start(from)).map_err(failed)?;
    let mut reader = BufReader::new(file);
    let (mut events, mut next, mut line) = (Vec::new(), from, Vec::new());
    while next - from < READ_BYTES {
        line.clear();
        reader.by_ref().take(LINE_BYTES).read_until(b'\n', &mut line).map_err(failed)?;
        // A line without its end is still being written.
        if line.last() != Some(&b'\n') {
            break;
        }
        next += line.len() as u64;
        if let Ok(event) = serde_json::from_slice(&line) {
            events.push(KeptEvent { next, event });
        }
    }
    Ok(events)
}

fn path_of(root: &Path, operation: &OperationId) -> PathBuf {
    root.join(DIRECTORY).join(format!("{operation}.ndjson"))
}

/// Ids sort by time, so the first names are the oldest.
fn forget_old(directory: &Path) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    let mut names: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    names.sort();
    let surplus = (names.len() + 1).saturating_sub(MOST_OPERATIONS);
    for path in names.iter().take(surplus) {
        // It is tried again by the next upgrade.
        let _ = fs::remove_file(path);
    }
}
