//! Capturing a workspace.
//!
//! Threads share a stack of directories and runs of names. A directory is opened relative to the one above it, never
//! through a link. A file in the state in which the parent snapshot has it costs one `statx`; any other is read once.

mod file;
mod hard_links;
mod node;
mod options;
mod queue;
mod worker;

use std::collections::BTreeMap;
use std::path::Path;

use backstay_model::Kind;
use backstay_repository::{Counts, Writer, Xattr};
use backstay_source::{CaptureContext, Captured, Warnings};
use parking_lot::Mutex;

pub use options::CaptureOptions;
pub(crate) use queue::Queue;
pub(crate) use worker::{is_unchanged, read_ignore_file};

use crate::attributes::{RootMetadata, WorkspaceAttributes};
use crate::error::{Result, WorkspaceError};
use crate::exclude::Rules;
use crate::fs::{Dir, Stat, display, file_system_now, read_xattrs_of_file};
use file::Calm;
use hard_links::HardLinks;
use node::OpenDirectories;
use worker::{Shared, Tally, Worker};

/// Captures the directory `root` through `writer`, whose parent tells what need not be read.
///
/// Changes nothing in the workspace. What is stored of a file was one state of it, or a warning says that it was not.
/// Errors: a named path that does not exist, an entry that cannot be read, unless that is allowed.
pub fn capture(
    root: &Path,
    context: &CaptureContext,
    options: &CaptureOptions,
    writer: &Writer,
) -> Result<Captured> {
    let at_root = |errno| WorkspaceError::Path {
        operation: "open",
        path: root.display().to_string(),
        source: std::io::Error::from(errno),
    };
    let dir = Dir::open_root(root).map_err(at_root)?;
    let root_stat = dir.stat_self().map_err(at_root)?;
    for path in options.selection.paths() {
        let found = dir.stat_beneath(path).map_err(|errno| WorkspaceError::path("find", path, errno))?;
        if found.is_none() && !options.allow_missing {
            return Err(WorkspaceError::Missing { path: display(path) });
        }
    }
    let began_ns = file_system_now(&dir).unwrap_or_else(|| {
        // Without the file system's own clock, its ticks and the difference of the clocks are unknown.
        context.clock.now().as_micros().saturating_mul(1000).saturating_sub(2_000_000_000)
    });
    let root_xattrs: Vec<Xattr> = read_xattrs_of_file(dir.fd(), &mut Vec::new())
        .map_err(|error| WorkspaceError::path("read the attributes of", b"", error.errno))?
        .into_iter()
        .map(|(name, value)| Xattr { name, value })
        .collect();
    let parent = writer.parent().filter(|parent| parent.kind == Kind::Workspace);
    if let Some(parent) = parent {
        context.progress.expect(parent.counts.files, parent.logical_bytes);
    }
    let repository = options
        .repository
        .as_ref()
        .and_then(|path| Dir::open_root(path).ok())
        .and_then(|dir| dir.stat_self().ok())
        .map(|stat| (stat.device, stat.inode));
    let attributes = WorkspaceAttributes {
        scope: options.selection.paths().to_vec(),
        excludes: options.excludes.clone(),
        root: RootMetadata::new(&root_stat, &root_xattrs),
    };
    let shared = Shared {
        context,
        options,
        rules: Rules::new(options.excludes.clone())?,
        calm: Calm { began_ns },
        root: dir,
        root_stat,
        repository,
        links: HardLinks::default(),
        warnings: Warnings::new(),
        open: OpenDirectories::default(),
        queue: Queue::new(),
        stored: Mutex::new(None),
        is_privileged: rustix::process::geteuid().is_root(),
    };
    let tally = run(&shared, writer, &root_xattrs, parent.map(|parent| parent.root))?;
    finish(shared, tally, attributes.to_map())
}

fn run(
    shared: &Shared<'_>,
    writer: &Writer,
    root_xattrs: &[Xattr],
    old: Option<backstay_repository::DirectoryRef>,
) -> Result<Tally> {
    let mut first = Worker::new(shared, writer.lane(), writer.reader());
    first.begin(root_xattrs, old)?;
    let mut total = std::thread::scope(|scope| {
        let others: Vec<_> = (1..shared.context.threads.max(1))
            .map(|_| scope.spawn(|| Worker::new(shared, writer.lane(), writer.reader()).run()))
            .collect();
        let mut total = first.run();
        for other in others {
            match other.join() {
                Ok(tally) => total.add(&tally),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        total
    });
    // The root is a directory, too.
    total.counts.directories += 1;
    Ok(total)
}

fn finish(
    shared: Shared<'_>,
    tally: Tally,
    attributes: BTreeMap<String, serde_json::Value>,
) -> Result<Captured> {
    let Shared { queue, links, warnings, stored, .. } = shared;
    if let Some(error) = queue.into_failure() {
        return Err(error);
    }
    let root = stored.into_inner().ok_or_else(WorkspaceError::cancelled)?;
    for link in links.outside() {
        let detail = format!("{} further names of this file lie outside of the snapshot", link.outside);
        warnings.add(&link.path, "hard_link_outside", detail);
    }
    Ok(Captured {
        root,
        counts: tally.counts,
        logical_bytes: tally.logical_bytes,
        read_files: tally.read_files,
        read_bytes: tally.read_bytes,
        partial: tally.partial,
        attributes,
        warnings: warnings.into_sorted(),
    })
}

impl Tally {
    fn add(&mut self, other: &Self) {
        let Counts { files, directories, symlinks, hard_links, skipped } = other.counts;
        self.counts.files += files;
        self.counts.directories += directories;
        self.counts.symlinks += symlinks;
        self.counts.hard_links += hard_links;
        self.counts.skipped += skipped;
        self.logical_bytes += other.logical_bytes;
        self.read_files += other.read_files;
        self.read_bytes += other.read_bytes;
        self.partial |= other.partial;
    }
}

impl RootMetadata {
    fn new(stat: &Stat, xattrs: &[Xattr]) -> Self {
        Self {
            mode: stat.mode,
            uid: stat.uid,
            gid: stat.gid,
            mtime_ns: stat.mtime_ns,
            xattrs: xattrs.iter().map(|xattr| (xattr.name.clone(), xattr.value.clone())).collect(),
        }
    }
}
