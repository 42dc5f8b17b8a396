//! The operations of a flip, in the order in which they are executed. Each can be repeated.

use backstay_repository::Entry;

use super::metadata::Metadata;
use super::plan::{Action, PlannedChange, RestorePlan};
use crate::compare::{EntryKind, LiveEntry};
use crate::fs::{FileKind, Stat};

/// By what an entry is recognized that must not have been touched by anyone else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) is_directory: bool,
    pub(super) device: u64,
    pub(super) inode: u64,
    pub(super) size: u64,
    pub(super) mtime_ns: i64,
    /// 0 when it does not count: a further name sets it, too.
    pub(super) ctime_ns: i64,
}

impl Identity {
    pub(super) fn of(stat: &Stat) -> Self {
        let is_directory = stat.kind == FileKind::Directory;
        Self {
            is_directory,
            device: stat.device,
            inode: stat.inode,
            size: if is_directory { 0 } else { stat.size },
            mtime_ns: if is_directory { 0 } else { stat.mtime_ns },
            ctime_ns: if is_directory || stat.links > 1 { 0 } else { stat.ctime_ns },
        }
    }

    fn of_live(live: &LiveEntry) -> Self {
        Self::of(&live.stat)
    }

    /// Whether `stat` is the same entry with the same content. The flip itself may have changed its links or mode.
    pub(super) fn is(&self, stat: &Stat) -> bool {
        let now = Self::of(stat);
        (now.is_directory, now.device, now.inode, now.size, now.mtime_ns)
            == (self.is_directory, self.device, self.inode, self.size, self.mtime_ns)
    }

    /// Whether `stat` is the same entry in the same state.
    pub(super) fn is_untouched(&self, stat: &Stat) -> bool {
        self.is(stat) && (self.ctime_ns == 0 || stat.links > 1 || self.ctime_ns == stat.ctime_ns)
    }
}

/// One step of a flip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Operation {
    /// Removes a file, link or special file.
    RemoveFile { path: Vec<u8>, before: Identity },
    /// Removes a directory, which is empty by then.
    RemoveDirectory { path: Vec<u8>, before: Identity },
    /// Makes a directory.
    MakeDirectory { path: Vec<u8> },
    /// Moves a staged entry to its place, replacing what is there.
    Place { staged: Vec<u8>, path: Vec<u8>, before: Option<Identity> },
    /// Sets mode, owner, attributes and times.
    SetMetadata { path: Vec<u8>, metadata: Metadata },
}

impl Operation {
    pub(super) fn path(&self) -> &[u8] {
        match self {
            Self::RemoveFile { path, .. }
            | Self::RemoveDirectory { path, .. }
            | Self::MakeDirectory { path }
            | Self::Place { path, .. }
            | Self::SetMetadata { path, .. } => path,
        }
    }
}

/// The staged name of the change at `index` of a plan.
pub(super) fn staged_name(index: usize) -> Vec<u8> {
    format!("n{index}").into_bytes()
}

/// The operations that execute a staged plan: removals from the inside out, directories from the outside in, entries
/// into their places, then metadata, that of directories from the inside out.
pub(super) fn of_plan(plan: &RestorePlan) -> Vec<Operation> {
    let mut operations = Vec::with_capacity(plan.changes.len() * 2);
    for change in plan.changes.iter().rev() {
        operations.extend(removal(change));
    }
    for change in &plan.changes {
        if makes_directory(change) {
            operations.push(Operation::MakeDirectory { path: change.path.clone() });
        }
    }
    for (index, change) in plan.changes.iter().enumerate() {
        if places(change) {
            let was_directory = change.before == Some(EntryKind::Directory);
            let before = change.live.as_ref().filter(|_| !was_directory).map(Identity::of_live);
            operations.push(Operation::Place {
                staged: staged_name(index),
                path: change.path.clone(),
                before,
            });
        }
    }
    let mut directories: Vec<(&[u8], Metadata)> = Vec::new();
    for change in &plan.changes {
        let Some(stored) = &change.stored else { continue };
        if change.after == Some(EntryKind::Directory) {
            directories.push((&change.path, Metadata::of(stored)));
        } else if change.action == Action::Metadata {
            operations
                .push(Operation::SetMetadata { path: change.path.clone(), metadata: Metadata::of(stored) });
        }
    }
    directories.extend(plan.touched.iter().map(|(path, metadata)| (path.as_slice(), metadata.clone())));
    directories.sort_by(|a, b| crate::fs::walk_order(b.0, a.0));
    operations.extend(
        directories
            .into_iter()
            .map(|(path, metadata)| Operation::SetMetadata { path: path.to_vec(), metadata }),
    );
    operations
}

fn removal(change: &PlannedChange) -> Option<Operation> {
    let before = Identity::of_live(change.live.as_ref()?);
    let path = change.path.clone();
    let becomes_directory = change.after == Some(EntryKind::Directory);
    match (change.action, change.before?) {
        (Action::Delete, EntryKind::Directory) => Some(Operation::RemoveDirectory { path, before }),
        (Action::Delete, _) => Some(Operation::RemoveFile { path, before }),
        (Action::Replace, EntryKind::Directory) if !becomes_directory => {
            Some(Operation::RemoveDirectory { path, before })
        }
        (Action::Replace, kind) if becomes_directory && kind != EntryKind::Directory => {
            Some(Operation::RemoveFile { path, before })
        }
        _ => None,
    }
}

fn makes_directory(change: &PlannedChange) -> bool {
    change.after == Some(EntryKind::Directory) && matches!(change.action, Action::Create | Action::Replace)
}

/// Whether a change moves a staged file or link to its place.
pub(super) fn places(change: &PlannedChange) -> bool {
    matches!(change.action, Action::Create | Action::Replace)
        && change
            .stored
            .as_ref()
            .is_some_and(|entry: &Entry| super::plan::is_restorable(entry) && entry.directory().is_none())
}
