//! From a full stage to changed paths: intent, last look, commit record, flip, durability.

use std::path::Path;

use backstay_model::OperationId;
use backstay_source::CannotRestore;
use rustix::fs::AtFlags;
use rustix::io::Errno;

use super::flip::{Stopped, conflicts, flip};
use super::journal::{Header, Journal, State};
use super::kept::keep;
use super::metadata::Rights;
use super::operations::{Identity, Operation};
use super::stage::{MANY, Stage};
use super::steps::Steps;
use crate::error::{Result, WorkspaceError};
use crate::fs::{Dir, c_name, display, split_parent};
use crate::lock::open_own_directory;

/// A workspace that is about to be changed.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) root: Dir,
    pub(crate) own: Dir,
    pub(crate) journal: Journal,
}

impl Target {
    /// Opens the workspace `root`, in which no operation may be unfinished.
    pub(crate) fn open(root: &Path) -> Result<Self> {
        let own = open_own_directory(root)?;
        let dir = Dir::open_root(root).map_err(|errno| WorkspaceError::Path {
            operation: "open",
            path: root.display().to_string(),
            source: errno.into(),
        })?;
        let journal = Journal::create(&own)?;
        if let Some((operation, _)) = journal.list()?.into_iter().find(|(_, state)| *state != State::Done) {
            return Err(WorkspaceError::NeedsRecovery { operation: operation.to_string() });
        }
        Ok(Self { root: dir, own, journal })
    }

    /// Does everything up to the commit record: makes the stage durable, writes the intent, and looks whether every path is
    /// as it was. After an error nothing is changed; the stage and the intent are for the caller to drop.
    pub(crate) fn prepare(
        &self,
        stage: &Stage,
        header: &Header,
        operations: &[Operation],
        steps: &Steps,
    ) -> Result<()> {
        stage.sync(operations)?;
        self.journal.write_intent(header, operations, true)?;
        steps.pass()?;
        hold(&self.root, stage, operations)?;
        steps.pass()?;
        let conflicts =
            conflicts(&self.root, operations).map_err(|errno| WorkspaceError::path("inspect", b"", errno))?;
        if conflicts.is_empty() { Ok(()) } else { Err(WorkspaceError::Conflict { paths: conflicts }) }
    }

    /// Drops what was not committed; of a commit record that failed, too, what there may be.
    pub(crate) fn drop_uncommitted(
        &self,
        stage: Stage,
        operation: &OperationId,
        operations: &[Operation],
    ) -> Result<()> {
        self.journal.remove(operation, "commit")?;
        release(&self.root, &stage, operations)?;
        stage.remove()?;
        self.journal.remove(operation, "intent")
    }

    /// Executes what is committed, durably, and removes the stage. Returns what someone else changed meanwhile.
    pub(crate) fn flip(
        &self,
        stage: Stage,
        operation: &OperationId,
        operations: &[Operation],
        rights: &Rights,
        steps: &Steps,
    ) -> Result<Vec<CannotRestore>> {
        let mut notes = Vec::new();
        flip(&self.root, Some(&stage.dir), operations, rights, steps, &mut notes)
            .map_err(|stopped| unfinished(operation, stopped))?;
        finish(&self.root, &self.own, &self.journal, stage, operation, operations, steps)?;
        Ok(notes)
    }
}

pub(crate) fn unfinished(operation: &OperationId, stopped: Stopped) -> WorkspaceError {
    match stopped {
        Stopped::At { path, errno } => WorkspaceError::Unfinished {
            operation: operation.to_string(),
            path: display(&path),
            source: errno.into(),
        },
        Stopped::ByTest(error) => error,
    }
}

/// Makes the flip durable, and only then forgets how to repeat it.
pub(crate) fn finish(
    root: &Dir,
    own: &Dir,
    journal: &Journal,
    stage: Stage,
    operation: &OperationId,
    operations: &[Operation],
    steps: &Steps,
) -> Result<()> {
    steps.pass()?;
    sync(root, operations).map_err(|errno| WorkspaceError::path("sync", b"", errno))?;
    release(root, &stage, operations)?;
    keep(own, &stage, operation)?;
    steps.pass()?;
    journal.finish(operation, true)?;
    steps.pass()?;
    stage.remove()
}

/// Takes the names that keep other programs from a change.
fn hold(root: &Dir, stage: &Stage, operations: &[Operation]) -> Result<()> {
    for operation in operations {
        let Operation::Hold { staged, path } = operation else { continue };
        let failed = |errno| WorkspaceError::path("create", path, errno);
        let (parent, name) = root.open_parent(path).map_err(failed)?;
        match rustix::fs::linkat(stage.dir.fd(), staged.as_slice(), parent.fd(), name, AtFlags::empty()) {
            Ok(()) => {}
            Err(Errno::EXIST) => return Err(WorkspaceError::Taken { path: display(path) }),
            Err(errno) => return Err(failed(errno)),
        }
    }
    Ok(())
}

/// Gives back the names that [`hold`] took; can be repeated.
pub(super) fn release(root: &Dir, stage: &Stage, operations: &[Operation]) -> Result<()> {
    for operation in operations {
        let Operation::Hold { staged, path } = operation else { continue };
        let failed = |errno| WorkspaceError::path("remove", path, errno);
        let Some(ours) = stage.dir.stat_beneath(staged).map_err(failed)? else { continue };
        let Some(found) = root.stat_beneath(path).map_err(failed)? else { continue };
        if (found.device, found.inode) == (ours.device, ours.inode) {
            let (parent, name) = root.open_parent(path).map_err(failed)?;
            c_name(name).and_then(|name| parent.remove_file(&name)).map_err(failed)?;
        }
    }
    Ok(())
}

/// Makes the directories and files durable that the operations changed: a few one by one, many with the rest.
fn sync(root: &Dir, operations: &[Operation]) -> Result<(), Errno> {
    let mut places: Vec<&[u8]> =
        operations.iter().map(|operation| split_parent(operation.path()).0).collect();
    let changed = operations.iter().filter(|operation| matches!(operation, Operation::SetMetadata { .. }));
    let entries: Vec<&[u8]> = changed.map(Operation::path).filter(|path| !path.is_empty()).collect();
    places.sort_unstable();
    places.dedup();
    if places.len() + entries.len() > MANY {
        return rustix::fs::syncfs(root.fd());
    }
    for path in entries {
        let opened = root.open_parent(path).and_then(|(dir, name)| dir.open_file(&c_name(name)?));
        match opened {
            Ok(file) => rustix::fs::fsync(file)?,
            // Gone meanwhile, or a link, which goes with its directory.
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => {}
            Err(_) => return rustix::fs::syncfs(root.fd()),
        }
    }
    for path in places {
        match root.open_beneath(path) {
            Ok(dir) => rustix::fs::fsync(dir.fd())?,
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => {}
            Err(_) => return rustix::fs::syncfs(root.fd()),
        }
    }
    Ok(())
}

/// The BLAKE3 hash of the regular file `name`; `None` when it is something else.
pub(super) fn hash_of(dir: &Dir, name: &[u8]) -> Result<Option<[u8; 32]>, Errno> {
    let name = c_name(name)?;
    if dir.stat(&name)?.kind != crate::fs::FileKind::File {
        return Ok(None);
    }
    let mut hasher = blake3::Hasher::new();
    let mut file = std::fs::File::from(dir.open_file(&name)?);
    std::io::copy(&mut file, &mut hasher)
        .map_err(|error| error.raw_os_error().map_or(Errno::IO, Errno::from_raw_os_error))?;
    Ok(Some(*hasher.finalize().as_bytes()))
}

impl Identity {
    /// What is at `path` now; `None` when there is nothing.
    pub(crate) fn now(root: &Dir, path: &[u8]) -> Result<Option<Self>> {
        let found = root.stat_beneath(path).map_err(|errno| WorkspaceError::path("inspect", path, errno))?;
        Ok(found.as_ref().map(Self::of))
    }
}
