//! What commands say: to whoever watches, at once, and into a file that can be read later.

use std::fmt;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
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
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watch")
    }
}

/// The output of one operation while it runs.
#[derive(Debug)]
pub(super) struct Recorder {
    watch: Watch,
    file: Mutex<Option<File>>,
    /// The number of the present command, and how much of it is kept.
    step: Mutex<(usize, u64)>,
}

impl Recorder {
    /// Begins the file of an operation, and forgets those of operations long past.
    pub(super) fn begin(root: &Path, operation: &OperationId, watch: Watch) -> Result<Self> {
        let directory = root.join(DIRECTORY);
        fs::create_dir_all(&directory).map_err(|error| cannot("create", &directory, error))?;
        forget_old(&directory);
        let path = path_of(root, operation);
        let file = File::create(&path).map_err(|error| cannot("create", &path, error))?;
        Ok(Self { watch, file: Mutex::new(Some(file)), step: Mutex::new((0, 0)) })
    }

    /// Tells and keeps an event.
    pub(super) fn tell(&self, event: &UpgradeEvent) {
        (self.watch.0)(event);
        self.keep(event);
    }

    /// A command begins.
    pub(super) fn started(&self, step: usize, event: &UpgradeEvent) {
        *self.step.lock() = (step, 0);
        self.tell(event);
    }

    /// A command wrote something.
    pub(super) fn wrote(&self, stream: Stream, bytes: &[u8]) {
        let (number, kept) = *self.step.lock();
        let event = UpgradeEvent::Output {
            step: number,
            stream: match stream {
                Stream::Stdout => "stdout".to_owned(),
                Stream::Stderr => "stderr".to_owned(),
            },
            text: String::from_utf8_lossy(bytes).into_owned(),
        };
        (self.watch.0)(&event);
        let now = kept + bytes.len() as u64;
        self.step.lock().1 = now;
        if now <= MOST_BYTES {
            self.keep(&event);
        } else if kept <= MOST_BYTES {
            self.keep(&UpgradeEvent::Truncated { step: number });
        }
    }

    /// A disk that is full keeps no output; that is no reason to fail.
    fn keep(&self, event: &UpgradeEvent) {
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

/// The kept output from the event of number `from` on, and the number of the next one. Nothing when nothing is kept.
pub(super) fn read(root: &Path, operation: &OperationId, from: usize) -> Result<(Vec<UpgradeEvent>, usize)> {
    let path = path_of(root, operation);
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok((Vec::new(), from)),
        Err(error) => return Err(cannot("read", &path, error)),
    };
    let mut reader = BufReader::new(file);
    let (mut events, mut number, mut line) = (Vec::new(), 0, String::new());
    loop {
        line.clear();
        let length = reader.read_line(&mut line).map_err(|error| cannot("read", &path, error))?;
        // A line without its end is still being written.
        if length == 0 || !line.ends_with('\n') {
            return Ok((events, number.max(from)));
        }
        if number >= from
            && let Ok(event) = serde_json::from_str(&line)
        {
            events.push(event);
        }
        number += 1;
    }
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
