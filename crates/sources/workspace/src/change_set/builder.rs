//! Putting a set of changes together, path by path.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use backstay_model::{OperationId, SnapshotId};
use backstay_source::CannotRestore;
use rustix::fs::Mode;
use rustix::io::Errno;

use super::apply::{Target, hash_of};
use super::group::Decision;
use super::journal::Header;
use super::kept::KEPT;
use super::metadata::{Metadata, Rights};
use super::operations::{Hashes, Identity, Operation};
use super::seen::Seen;
use super::stage::{Stage, stage_of};
use super::steps::Steps;
use crate::error::{Result, WorkspaceError};
use crate::fs::{
    Dir, FileKind, Stat, c_name, display, file_system_now, join, read_xattrs_of_file, split_parent,
    walk_order,
};
use crate::lock::WorkspaceLock;
use crate::selection::normalize;

/// What is noted in the journal about a set of changes.
#[derive(Debug)]
pub struct ChangeSetOptions {
    /// The operation.
    pub operation: OperationId,
    /// What it does, for example `upgrade`.
    pub kind: String,
    /// The snapshot that is put back, when one is.
    pub snapshot: Option<SnapshotId>,
    /// The snapshot of the state before, taken under the same lock.
    pub safety_snapshot: Option<SnapshotId>,
    /// For tests.
    pub steps: Steps,
}

/// Changes of paths of one workspace that happen together or not at all.
///
/// Each method stages what it needs and notes what is at the path now; nothing in the workspace changes before
/// [`ChangeSet::commit`]. Paths are relative to the root, parts joined by `/`, and may lie in `.git`; no link is followed.
/// Directories that are missing above a new entry are made.
///
/// Dropping it removes the stage. After a crash, [`super::recover`] does.
#[derive(Debug)]
pub struct ChangeSet {
    pub(crate) target: Target,
    pub(crate) rights: Rights,
    pub(crate) planned: Vec<Operation>,
    pub(super) changes: Vec<PathChange>,
    pub(super) conflicts: Vec<String>,
    pub(super) removals: Vec<Operation>,
    pub(super) places: Vec<Operation>,
    pub(super) metadata: Vec<Operation>,
    directories: BTreeSet<Vec<u8>>,
    expected: Vec<Operation>,
    pub(super) stage: Option<Stage>,
    pub(super) root: PathBuf,
    scratch: PathBuf,
    options: ChangeSetOptions,
    staged: usize,
    new_mode: u32,
}

/// A path that a set changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathChange {
    /// The path.
    pub path: Vec<u8>,
    /// In which way.
    pub kind: PathChangeKind,
}

/// In which way a path is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PathChangeKind {
    /// It is new.
    Added,
    /// Its content, type, mode or another attribute changes.
    Modified,
    /// It goes.
    Deleted,
}

/// What became of a committed set of changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// What was changed.
    pub changes: Vec<PathChange>,
    /// Paths that someone else changed after the commit and that were left so, and attributes that could not be set.
    pub not_applied: Vec<CannotRestore>,
}

impl ChangeSet {
    /// Begins a set of changes of the workspace `root`, which the caller has locked.
    ///
    /// Errors: [`WorkspaceError::NeedsRecovery`] when an earlier operation is unfinished.
    pub fn begin(root: &Path, _lock: &WorkspaceLock, options: ChangeSetOptions) -> Result<Self> {
        let target = Target::open(root)?;
        options.steps.pass()?;
        let stage = Stage::create(&target.own, &options.operation)?;
        let rights = Rights::of_process();
        let new_mode = 0o777 & !rights.umask();
        Ok(Self {
            root: root.to_owned(),
            scratch: stage_of(root, options.operation.as_str()),
            target,
            rights,
            planned: Vec::new(),
            changes: Vec::new(),
            conflicts: Vec::new(),
            removals: Vec::new(),
            places: Vec::new(),
            metadata: Vec::new(),
            directories: BTreeSet::new(),
            expected: Vec::new(),
            stage: Some(stage),
            options,
            staged: 0,
            new_mode,
        })
    }

    /// The stage, a directory on the file system of the workspace in which the caller may prepare what
    /// [`ChangeSet::place`] then moves. Names that begin with `n-` are taken.
    pub fn scratch(&self) -> &Path {
        &self.scratch
    }

    /// What the set changes so far.
    pub fn changes(&self) -> &[PathChange] {
        &self.changes
    }

    /// Creates the file at `path` or replaces it; a new one gets `mode`, an old one keeps its own unless that is given.
    pub fn write(&mut self, path: &[u8], content: &[u8], mode: Option<u32>) -> Result<()> {
        let staged = self.new_name();
        let stage = self.stage()?;
        let before = self.target.stat(path)?;
        let mode = mode
            .or(before.filter(|stat| stat.kind == FileKind::File).map(|stat| stat.mode))
            .unwrap_or(self.new_mode & 0o666);
        let written = || -> std::io::Result<()> {
            let mut file = File::from(stage.dir.create_file(&staged, Mode::from_raw_mode(0o600))?);
            file.write_all(content)?;
            self.make_like(&file, before, mode)
        };
        written().map_err(|source| WorkspaceError::Path {
            operation: "write",
            path: display(path),
            source,
        })?;
        self.place_staged(&normalize(path)?, staged, before)
    }

    /// As [`ChangeSet::write`], with a file that the caller prepared as `prepared` in [`ChangeSet::scratch`]. A new one keeps
    /// the mode that it was prepared with.
    pub fn replace(&mut self, path: &[u8], prepared: &[u8]) -> Result<()> {
        let before = self.target.stat(path)?;
        if let Some(old) = before.filter(|stat| stat.kind == FileKind::File) {
            let opened = |errno| WorkspaceError::path("open", path, errno);
            let (dir, name) = self.stage()?.dir.open_parent(prepared).map_err(opened)?;
            let file = File::from(c_name(name).and_then(|name| dir.open_file(&name)).map_err(opened)?);
            self.make_like(&file, before, old.mode).map_err(|source| WorkspaceError::Path {
                operation: "write",
                path: display(path),
                source,
            })?;
        }
        self.place_staged(&normalize(path)?, normalize(prepared)?, before)
    }

    /// Creates the link at `path` or replaces what is there.
    pub fn link(&mut self, path: &[u8], target: &[u8]) -> Result<()> {
        let staged = self.new_name();
        let before = self.target.stat(path)?;
        let stage = self.stage()?;
        rustix::fs::symlinkat(target, stage.dir.fd(), staged.as_slice())
            .map_err(|errno| WorkspaceError::path("create", path, errno))?;
        self.place_staged(&normalize(path)?, staged, before)
    }

    /// Moves what the caller prepared as `prepared` in [`ChangeSet::scratch`] to `path`: a file, a link, or a directory
    /// with all that is in it. A directory takes the place of nothing, or of what this set removes.
    pub fn place(&mut self, path: &[u8], prepared: &[u8]) -> Result<()> {
        let before = self.target.stat(path)?;
        self.place_staged(&normalize(path)?, normalize(prepared)?, before)
    }

    /// Makes the directory at `path`, where nothing is, or something that this set removes.
    pub fn make_directory(&mut self, path: &[u8], mode: u32) -> Result<()> {
        let path = normalize(path)?;
        self.add_ancestors(&path)?;
        let metadata = Metadata { mode: mode & 0o7777, ..self.metadata_of_new() };
        if self.directories.insert(path.clone()) {
            self.changed(&path, PathChangeKind::Added);
            self.metadata.push(Operation::SetMetadata { path, metadata });
        }
        Ok(())
    }

    /// Sets the mode of what is at `path`.
    pub fn set_mode(&mut self, path: &[u8], mode: u32) -> Result<()> {
        let path = normalize(path)?;
        let found = self.present(&path)?;
        let metadata = Metadata { mode: mode & 0o7777, ..metadata_now(&self.target.root, &path, &found)? };
        self.set_metadata(&path, &found, metadata);
        Ok(())
    }

    /// Removes the file or link at `path`; succeeds when there is nothing.
    pub fn remove_file(&mut self, path: &[u8]) -> Result<()> {
        let path = normalize(path)?;
        match self.target.stat(&path)? {
            Some(stat) if stat.kind != FileKind::Directory => {
                self.remove_found(&path, &stat);
                Ok(())
            }
            Some(_) => Err(WorkspaceError::path("remove", &path, Errno::ISDIR)),
            None => Ok(()),
        }
    }

    /// Removes the directory at `path` with all that is in it at the time of the flip; succeeds when there is nothing.
    pub fn remove_tree(&mut self, path: &[u8]) -> Result<()> {
        let path = normalize(path)?;
        match self.target.stat(&path)? {
            Some(stat) if stat.kind == FileKind::Directory => {
                let to = self.new_name();
                self.move_away(path, &stat, to)
            }
            Some(stat) => {
                self.remove_found(&path, &stat);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Removes the directory at `path` if this set removes everything that is in it.
    pub fn remove_empty(&mut self, path: &[u8]) -> Result<()> {
        let path = normalize(path)?;
        let Some(stat) = self.target.stat(&path)?.filter(|stat| stat.kind == FileKind::Directory) else {
            return Ok(());
        };
        let failed = |errno| WorkspaceError::path("list", &path, errno);
        let listing = self.target.root.open_beneath(&path).and_then(|dir| dir.list()).map_err(failed)?;
        let goes = |name: &std::ffi::CStr| {
            let inside = join(&path, name.to_bytes());
            self.removals.iter().any(|removal| removal.path() == inside)
        };
        if listing.iter().all(|(name, _)| goes(name)) {
            self.remove_found(&path, &stat);
        }
        Ok(())
    }

    /// As [`ChangeSet::remove_tree`], but the directory is kept: afterwards it is at [`super::kept`] of the operation and `name`,
    /// which is the name of a file.
    pub fn set_aside(&mut self, path: &[u8], name: &str) -> Result<()> {
        let path = normalize(path)?;
        let failed = |errno| WorkspaceError::path("keep", &path, errno);
        let is_name = !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\0']);
        if !is_name {
            return Err(failed(Errno::INVAL));
        }
        match self.target.stat(&path)? {
            Some(stat) if stat.kind == FileKind::Directory => {
                self.stage()?.make_kept().map_err(failed)?;
                self.move_away(path, &stat, join(KEPT, name.as_bytes()))
            }
            Some(_) => Err(failed(Errno::NOTDIR)),
            None => Ok(()),
        }
    }

    fn move_away(&mut self, path: Vec<u8>, stat: &Stat, to: Vec<u8>) -> Result<()> {
        self.changed(&path, PathChangeKind::Deleted);
        if !is_in_git(&path) {
            for (below, _) in below(&self.target.root, &path)? {
                self.changed(&below, PathChangeKind::Deleted);
            }
        }
        self.removals.push(Operation::MoveAway { path, before: Identity::of(stat), to });
        Ok(())
    }

    /// Demands that `path` is still as it was seen; otherwise the commit is a [`WorkspaceError::Conflict`].
    pub fn expect(&mut self, path: &[u8], seen: Seen) -> Result<()> {
        self.expected.push(Operation::Expect { path: normalize(path)?, before: seen.0 });
        Ok(())
    }

    /// Creates the empty file `path` shortly before the commit and removes it after the flip: the lock file by which
    /// another program (git: `.git/index.lock`) keeps others out. [`WorkspaceError::Taken`] when it exists by then.
    pub fn hold(&mut self, path: &[u8]) -> Result<()> {
        let staged = self.new_name();
        let stage = self.stage()?;
        stage
            .dir
            .create_file(&staged, Mode::from_raw_mode(0o600))
            .map_err(|errno| WorkspaceError::path("create", path, errno))?;
        self.expected.push(Operation::Hold { staged, path: normalize(path)? });
        Ok(())
    }

    /// Makes all of it happen: intent, a last look at every path, **the commit record**, flip, durability.
    ///
    /// `detail` is told by [`super::recover`] when the flip is interrupted. An error before the commit record leaves the
    /// workspace as it was; [`WorkspaceError::Unfinished`] means that it goes on with the next recovery. The journal
    /// keeps a note until [`super::acknowledge`].
    pub fn commit(self, detail: serde_json::Value) -> Result<Applied> {
        self.prepare(detail, None)?.commit()
    }

    pub(super) fn header(&self, detail: serde_json::Value, decision: Option<Decision>) -> Header {
        Header {
            operation: self.options.operation.clone(),
            kind: self.options.kind.clone(),
            snapshot: self.options.snapshot.clone(),
            safety_snapshot: self.options.safety_snapshot.clone(),
            detail,
            decision,
        }
    }

    /// What could not be set as it was wanted.
    pub(super) fn take_notes(&mut self) -> Vec<CannotRestore> {
        std::mem::replace(&mut self.rights, Rights::of_process()).into_notes()
    }

    /// In the order of their execution: removals from the inside out, directories from the outside in, entries into their
    /// places, then metadata from the inside out.
    pub(super) fn operations(&mut self) -> Vec<Operation> {
        let mut operations = std::mem::take(&mut self.expected);
        self.removals.sort_by(|a, b| walk_order(b.path(), a.path()));
        operations.append(&mut self.removals);
        operations.append(&mut self.planned);
        let mut directories: Vec<Vec<u8>> = std::mem::take(&mut self.directories).into_iter().collect();
        directories.sort_by(|a, b| walk_order(a, b));
        operations.extend(directories.into_iter().map(|path| Operation::MakeDirectory { path }));
        operations.append(&mut self.places);
        self.metadata.sort_by(|a, b| walk_order(b.path(), a.path()));
        operations.append(&mut self.metadata);
        operations
    }

    /// Gives a staged file its mode, and the owner of what it replaces.
    fn make_like(&self, file: &File, before: Option<Stat>, mode: u32) -> std::io::Result<()> {
        if let Some(stat) = before.filter(|_| self.rights.is_privileged()) {
            std::os::unix::fs::fchown(file, Some(stat.uid), Some(stat.gid))?;
        }
        Ok(rustix::fs::fchmod(file, Mode::from_raw_mode(mode & 0o7777))?)
    }

    fn new_name(&mut self) -> Vec<u8> {
        self.staged += 1;
        format!("n-{}", self.staged).into_bytes()
    }

    pub(crate) fn steps(&self) -> &Steps {
        &self.options.steps
    }

    pub(crate) fn stage(&self) -> Result<&Stage> {
        // It is there until `commit`, which takes the whole set.
        self.stage.as_ref().ok_or_else(WorkspaceError::cancelled)
    }

    pub(crate) fn changed(&mut self, path: &[u8], kind: PathChangeKind) {
        self.changes.push(PathChange { path: path.to_vec(), kind });
    }

    fn place_staged(&mut self, path: &[u8], staged: Vec<u8>, before: Option<Stat>) -> Result<()> {
        let is_removed = self.removals.iter().any(|removal| removal.path() == path);
        let before = before.filter(|_| !is_removed);
        if before.is_some_and(|stat| stat.kind == FileKind::Directory) {
            return Err(WorkspaceError::path("replace", path, Errno::ISDIR));
        }
        self.add_ancestors(path)?;
        self.place_over(path, staged, before)
    }

    /// Places over what was found there, whose parents are there or made by this set.
    pub(super) fn place_over(&mut self, path: &[u8], staged: Vec<u8>, before: Option<Stat>) -> Result<()> {
        let failed = |errno| WorkspaceError::path("read", path, errno);
        let after = {
            let (dir, name) = self.stage()?.dir.open_parent(&staged).map_err(failed)?;
            hash_of(&dir, name).map_err(failed)?
        };
        let hashes = Hashes { before: self.hash_before(path, before.as_ref())?, after };
        let kind = if before.is_some() { PathChangeKind::Modified } else { PathChangeKind::Added };
        self.changed(path, kind);
        if hashes.after.is_none() && !is_in_git(path) {
            for added in self.below_staged(&staged)? {
                self.changed(&join(path, &added), PathChangeKind::Added);
            }
        }
        let before = before.as_ref().map(Identity::of);
        self.places.push(Operation::Place { staged, path: path.to_vec(), before, hashes });
        Ok(())
    }

    /// What is below a staged directory, relative to it; nothing when it is something else.
    fn below_staged(&self, staged: &[u8]) -> Result<Vec<Vec<u8>>> {
        let dir = &self.stage()?.dir;
        let found = dir.stat_beneath(staged).map_err(|errno| WorkspaceError::path("list", staged, errno))?;
        if found.is_none_or(|stat| stat.kind != FileKind::Directory) {
            return Ok(Vec::new());
        }
        let prefix = staged.len() + 1;
        Ok(below(dir, staged)?.into_iter().map(|(path, _)| path[prefix..].to_vec()).collect())
    }

    pub(super) fn hash_before(&self, path: &[u8], before: Option<&Stat>) -> Result<Option<[u8; 32]>> {
        if before.is_none_or(|stat| stat.kind != FileKind::File) {
            return Ok(None);
        }
        let read = self.target.root.open_parent(path).and_then(|(dir, name)| hash_of(&dir, name));
        read.map_err(|errno| WorkspaceError::path("read", path, errno))
    }

    pub(super) fn remove_found(&mut self, path: &[u8], stat: &Stat) {
        self.changed(path, PathChangeKind::Deleted);
        let (path, before) = (path.to_vec(), Identity::of(stat));
        self.removals.push(if stat.kind == FileKind::Directory {
            Operation::RemoveDirectory { path, before }
        } else {
            Operation::RemoveFile { path, before }
        });
    }

    pub(super) fn set_metadata(&mut self, path: &[u8], found: &Stat, metadata: Metadata) {
        self.changed(path, PathChangeKind::Modified);
        let path = path.to_vec();
        self.expected.push(Operation::Expect { path: path.clone(), before: Some(Identity::of(found)) });
        self.metadata.push(Operation::SetMetadata { path, metadata });
    }

    pub(super) fn add_directory(&mut self, path: &[u8], metadata: Metadata) {
        self.changed(path, PathChangeKind::Added);
        self.directories.insert(path.to_vec());
        self.metadata.push(Operation::SetMetadata { path: path.to_vec(), metadata });
    }

    /// Plans the directories above `path` that are not there.
    fn add_ancestors(&mut self, path: &[u8]) -> Result<()> {
        let mut above = split_parent(path).0;
        while !above.is_empty() && !self.directories.contains(above) {
            let is_planned = |operation: &Operation| matches!(operation, Operation::MakeDirectory { path } if path == above);
            if self.target.stat(above)?.is_some() || self.planned.iter().any(is_planned) {
                break;
            }
            let metadata = Metadata { mode: self.new_mode, ..self.metadata_of_new() };
            self.add_directory(above, metadata);
            above = split_parent(above).0;
        }
        Ok(())
    }

    fn metadata_of_new(&self) -> Metadata {
        let (uid, gid) = self.rights.owner();
        let mtime_ns = file_system_now(&self.target.root).unwrap_or_default();
        Metadata { mode: 0, uid, gid, mtime_ns, xattrs: Vec::new() }
    }

    fn present(&self, path: &[u8]) -> Result<Stat> {
        self.target.stat(path)?.ok_or_else(|| WorkspaceError::Missing { path: display(path) })
    }
}

impl Drop for ChangeSet {
    fn drop(&mut self) {
        if self.options.steps.stopped() {
            // As after a crash: it stays for the recovery.
            return;
        }
        if let Some(stage) = self.stage.take() {
            // What cannot be removed now, the next recovery removes.
            let _ = stage.remove();
        }
    }
}

impl Target {
    /// What is at `path`; `None` when there is nothing.
    pub(super) fn stat(&self, path: &[u8]) -> Result<Option<Stat>> {
        self.root.stat_beneath(path).map_err(|errno| WorkspaceError::path("inspect", path, errno))
    }

    /// Everything below the directory `path`, in the order of a walk.
    pub(super) fn below(&self, path: &[u8]) -> Result<Vec<(Vec<u8>, Stat)>> {
        below(&self.root, path)
    }
}

/// Everything below the directory `path` of `root`, in the order of a walk.
fn below(root: &Dir, path: &[u8]) -> Result<Vec<(Vec<u8>, Stat)>> {
    let failed = |path: &[u8], errno| WorkspaceError::path("list", path, errno);
    let mut found = Vec::new();
    let mut open = vec![path.to_vec()];
    while let Some(parent) = open.pop() {
        let dir = root.open_beneath(&parent).map_err(|errno| failed(&parent, errno))?;
        for (name, _) in dir.list().map_err(|errno| failed(&parent, errno))?.iter() {
            let path = join(&parent, name.to_bytes());
            let stat = dir.stat(name).map_err(|errno| failed(&path, errno))?;
            if stat.kind == FileKind::Directory {
                open.push(path.clone());
            }
            found.push((path, stat));
        }
    }
    found.sort_by(|a, b| walk_order(&a.0, &b.0));
    Ok(found)
}

/// Whether `path` lies in git's own directory, whose single files nobody wants to know of.
fn is_in_git(path: &[u8]) -> bool {
    path.starts_with(b".git/")
}

/// The metadata of what is at `path` below `root`, whose state is `stat`.
pub(super) fn metadata_now(root: &Dir, path: &[u8], stat: &Stat) -> Result<Metadata> {
    let failed = |errno| WorkspaceError::path("read the attributes of", path, errno);
    let xattrs = match stat.kind {
        FileKind::File | FileKind::Directory => {
            let (dir, name) = root.open_parent(path).map_err(failed)?;
            let name = c_name(name).map_err(failed)?;
            let file = dir.open_file(&name).map_err(failed)?;
            read_xattrs_of_file(&file, &mut Vec::new()).map_err(|error| failed(error.errno))?
        }
        _ => Vec::new(),
    };
    Ok(Metadata { mode: stat.mode, uid: stat.uid, gid: stat.gid, mtime_ns: stat.mtime_ns, xattrs })
}
