//! The flip: executes the operations that are committed. Each may have been executed before.

use std::collections::HashSet;

use backstay_source::CannotRestore;
use rustix::fs::{AtFlags, Mode, RenameFlags};
use rustix::io::Errno;

use super::apply::hash_of;
use super::metadata::Rights;
use super::operations::{Hashes, Identity, Operation};
use super::steps::Steps;
use crate::error::Result;
use crate::fs::{Dir, Opener, c_name, display, join, split_parent};

/// The paths that are no longer as they were when the restore was planned.
pub(crate) fn conflicts(root: &Dir, operations: &[Operation]) -> Result<Vec<String>, Errno> {
    let mut conflicts = Vec::new();
    let made: HashSet<&[u8]> = operations
        .iter()
        .filter_map(|operation| match operation {
            Operation::MakeDirectory { path } => Some(path.as_slice()),
            _ => None,
        })
        .collect();
    let removed: HashSet<&[u8]> = operations
        .iter()
        .filter_map(|operation| match operation {
            Operation::RemoveFile { path, .. }
            | Operation::RemoveDirectory { path, .. }
            | Operation::MoveAway { path, .. } => Some(path.as_slice()),
            _ => None,
        })
        .collect();
    let mut parents = Opener::new(root);
    for operation in operations {
        let path = operation.path();
        let expected = match operation {
            Operation::RemoveFile { before, .. }
            | Operation::RemoveDirectory { before, .. }
            | Operation::MoveAway { before, .. } => Some(before),
            Operation::Place { before, .. } | Operation::Expect { before, .. } => before.as_ref(),
            Operation::MakeDirectory { .. } => None,
            Operation::SetMetadata { .. } | Operation::Hold { .. } => continue,
        };
        // What is made only now has no state before.
        if made.contains(split_parent(path).0) {
            continue;
        }
        let found = match parents.open(split_parent(path).0) {
            Ok(dir) => match dir.stat(&c_name(split_parent(path).1)?) {
                Ok(stat) => Some(stat),
                Err(Errno::NOENT) => None,
                Err(errno) => return Err(errno),
            },
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => {
                if !matches!(operation, Operation::Expect { before: None, .. }) {
                    conflicts.push(display(path));
                }
                continue;
            }
            Err(errno) => return Err(errno),
        };
        let is_as_planned = match (expected, found) {
            (Some(before), Some(stat)) => before.is_untouched(&stat),
            (None, None) => true,
            // Removed first, to make room.
            (None, Some(_)) => removed.contains(path),
            (Some(_), None) => false,
        };
        if !is_as_planned || has_unplanned_entry(&mut parents, operation, &removed)? {
            conflicts.push(display(path));
        }
    }
    Ok(conflicts)
}

/// Whether a directory that is to be removed holds something that is not.
fn has_unplanned_entry(
    parents: &mut Opener<'_>,
    operation: &Operation,
    removed: &HashSet<&[u8]>,
) -> Result<bool, Errno> {
    let Operation::RemoveDirectory { path, .. } = operation else { return Ok(false) };
    let listing = parents.open(path)?.list()?;
    Ok(listing.iter().any(|(name, _)| !removed.contains(join(path, name.to_bytes()).as_slice())))
}

/// Where and why a flip stopped.
#[derive(Debug)]
pub(crate) enum Stopped {
    /// A system call failed at a path.
    At { path: Vec<u8>, errno: Errno },
    /// A test asked for it.
    ByTest(crate::error::WorkspaceError),
}

/// Executes `operations` in order. What someone else changed after the commit is left as it is and noted.
pub(crate) fn flip(
    root: &Dir,
    stage: Option<&Dir>,
    operations: &[Operation],
    rights: &Rights,
    steps: &Steps,
    notes: &mut Vec<CannotRestore>,
) -> Result<(), Stopped> {
    let mut parents = Opener::new(root);
    for operation in operations {
        steps.pass().map_err(Stopped::ByTest)?;
        if let Operation::RemoveDirectory { path, .. } | Operation::MoveAway { path, .. } = operation {
            parents.forget(path);
        }
        let at = |errno| Stopped::At { path: operation.path().to_vec(), errno };
        let left = execute(operation, &mut parents, stage, rights).map_err(at)?;
        if let Some(reason) = left {
            notes.push(CannotRestore { path: operation.path().to_vec(), reason: reason.to_owned() });
        }
    }
    Ok(())
}

const CHANGED: &str = "it was changed by someone else after the operation was committed, and is left so";

fn execute(
    operation: &Operation,
    parents: &mut Opener<'_>,
    stage: Option<&Dir>,
    rights: &Rights,
) -> Result<Option<&'static str>, Errno> {
    let path = operation.path();
    if path.is_empty() {
        if let Operation::SetMetadata { metadata, .. } = operation {
            rights.set_on_directory(parents.root(), path, metadata, false)?;
        }
        return Ok(None);
    }
    let name = c_name(split_parent(path).1)?;
    let dir = match parents.open(split_parent(path).0) {
        Ok(dir) => dir,
        // Above it, someone removed or replaced a directory; there is no place for it.
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(unless_removal(operation)),
        Err(errno) => return Err(errno),
    };
    match operation {
        Operation::RemoveFile { before, .. } => match stat(dir, &name)? {
            Some(found) if before.is(&found) => writable(dir, || dir.remove_file(&name)).map(|()| None),
            Some(found) if before.device == found.device && before.inode == found.inode => Ok(Some(CHANGED)),
            _ => Ok(None),
        },
        Operation::RemoveDirectory { before, .. } => match stat(dir, &name)? {
            Some(found) if before.is(&found) => match writable(dir, || dir.remove_dir(&name)) {
                Ok(()) => Ok(None),
                Err(Errno::NOTEMPTY | Errno::EXIST) => Ok(Some(CHANGED)),
                Err(errno) => Err(errno),
            },
            _ => Ok(None),
        },
        Operation::MakeDirectory { .. } => match writable(dir, || dir.make_dir(&name)) {
            Ok(()) => Ok(None),
            Err(Errno::EXIST) => {
                let is_directory = stat(dir, &name)?.is_some_and(|found| Identity::of(&found).is_directory);
                Ok((!is_directory).then_some(CHANGED))
            }
            Err(errno) => Err(errno),
        },
        Operation::MoveAway { before, to, .. } => match stat(dir, &name)? {
            Some(found) if before.is(&found) => {
                let Some(stage) = stage else { return Ok(Some(CHANGED)) };
                let to = c_name(to)?;
                writable(dir, || rustix::fs::renameat(dir.fd(), &*name, stage.fd(), &*to)).map(|()| None)
            }
            _ => Ok(None),
        },
        Operation::Place { staged, before, hashes, .. } => {
            place(dir, &name, stage, staged, before.as_ref(), hashes)
        }
        Operation::Expect { .. } | Operation::Hold { .. } => Ok(None),
        Operation::SetMetadata { metadata, .. } => match rights.set_on_entry(dir, &name, path, metadata) {
            Err(Errno::NOENT) => Ok(Some(CHANGED)),
            done => done.map(|()| None),
        },
    }
}

fn unless_removal(operation: &Operation) -> Option<&'static str> {
    let needs_place = matches!(
        operation,
        Operation::MakeDirectory { .. } | Operation::Place { .. } | Operation::SetMetadata { .. }
    );
    needs_place.then_some(CHANGED)
}

fn stat(dir: &Dir, name: &std::ffi::CStr) -> Result<Option<crate::fs::Stat>, Errno> {
    match dir.stat(name) {
        Ok(found) => Ok(Some(found)),
        Err(Errno::NOENT) => Ok(None),
        Err(errno) => Err(errno),
    }
}

fn place(
    dir: &Dir,
    name: &std::ffi::CStr,
    stage: Option<&Dir>,
    staged: &[u8],
    before: Option<&Identity>,
    hashes: &Hashes,
) -> Result<Option<&'static str>, Errno> {
    let Some(stage) = stage else { return Ok(None) };
    let (from, staged) = match split_parent(staged) {
        ([], name) => (None, c_name(name)?),
        (parent, name) => (Some(stage.open_beneath(parent)?), c_name(name)?),
    };
    let from = from.as_ref().unwrap_or(stage);
    if stat(from, &staged)?.is_none() {
        // Placed before an interruption.
        let is_placed = match (hashes.after, stat(dir, name)?) {
            (Some(after), Some(_)) => hash_of(dir, name.to_bytes())? == Some(after),
            (Some(_), None) => false,
            (None, _) => true,
        };
        return Ok((!is_placed).then_some(CHANGED));
    }
    match (before, stat(dir, name)?) {
        (None, None) => {
            let new =
                || rustix::fs::renameat_with(from.fd(), &*staged, dir.fd(), name, RenameFlags::NOREPLACE);
            match writable(dir, new) {
                Err(Errno::EXIST) => Ok(Some(CHANGED)),
                Err(Errno::INVAL) => {
                    writable(dir, || rustix::fs::renameat(from.fd(), &*staged, dir.fd(), name)).map(|()| None)
                }
                done => done.map(|()| None),
            }
        }
        (Some(before), Some(found)) if before.is(&found) => {
            writable(dir, || rustix::fs::renameat(from.fd(), &*staged, dir.fd(), name)).map(|()| None)
        }
        // Written again with the content it had.
        (Some(_), Some(_)) if hashes.before.is_some() && hash_of(dir, name.to_bytes())? == hashes.before => {
            writable(dir, || rustix::fs::renameat(from.fd(), &*staged, dir.fd(), name)).map(|()| None)
        }
        _ => Ok(Some(CHANGED)),
    }
}

/// Runs `change` in `dir`; where the directory forbids it to its owner, the right is taken for that moment.
fn writable<T>(dir: &Dir, change: impl Fn() -> Result<T, Errno>) -> Result<T, Errno> {
    match change() {
        Err(Errno::ACCESS) => {}
        done => return done,
    }
    let mode = dir.stat_self()?.mode;
    if mode & 0o300 == 0o300 {
        return Err(Errno::ACCESS);
    }
    rustix::fs::fchmod(dir.fd(), Mode::from_raw_mode(mode | 0o700))?;
    let done = change();
    let _ = rustix::fs::fchmod(dir.fd(), Mode::from_raw_mode(mode));
    done
}

/// Removes an entry of the root that is a leftover of an operation; used on targets that were empty.
pub(crate) fn remove_leftover(root: &Dir, name: &[u8]) -> Result<(), Errno> {
    match rustix::fs::unlinkat(root.fd(), name, AtFlags::REMOVEDIR) {
        Err(Errno::NOENT | Errno::NOTEMPTY | Errno::EXIST) => Ok(()),
        done => done,
    }
}
