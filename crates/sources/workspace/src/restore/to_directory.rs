//! Restoring into an empty directory.

use std::collections::HashMap;
use std::path::Path;

use backstay_model::{OperationId, SnapshotId};
use backstay_repository::{DirectoryRef, Entry, Manifest, Node, Reader};
use backstay_source::{CannotRestore, RestoreContext, RestoreReport};
use rustix::fs::{AtFlags, Mode};
use rustix::io::Errno;

use super::extract::{FileJob, write_files};
use super::plan::collisions_among;
use super::stage_plan::WINDOW_FILES;
use crate::attributes::WorkspaceAttributes;
use crate::change_set::{
    Hashes, Header, Journal, Metadata, Operation, Rights, Stage, Steps, flip, recover_in, remove_leftover,
    unfinished,
};
use crate::error::{Result, WorkspaceError};
use crate::exclude::OWN_DIRECTORY;
use crate::fs::{Dir, Opener, c_name, display, join};
use crate::lock::open_own_directory;
use crate::selection::{Selected, Selection};

/// What was written into the stage of an empty directory.
pub(super) struct Filled {
    /// What was written and what could not be.
    pub(super) report: RestoreReport,
    /// The metadata of the directory itself, when it is to be set.
    pub(super) root: Option<Metadata>,
}

/// Restores what `selection` selects of a snapshot into the directory `target`, which must be empty or not exist.
///
/// The whole tree is staged in the target, every hash checked, and moved into place by renames at the end. A failed
/// restore leaves the directory empty. It is not durable until the operating system has written it.
pub fn restore_to(
    target: &Path,
    manifest: &Manifest,
    reader: &Reader,
    selection: &Selection,
    operation: &OperationId,
    context: &RestoreContext,
    steps: &Steps,
) -> Result<RestoreReport> {
    into_empty_directory(target, &manifest.snapshot, operation, context, steps, |root, stage, rights| {
        write_tree(root, stage, rights, manifest, reader, selection, context)
    })
}

/// Lets `fill` write a tree into a stage in the directory `target`, which must be empty or not exist, and moves it into place.
pub(super) fn into_empty_directory(
    target: &Path,
    snapshot: &SnapshotId,
    operation: &OperationId,
    context: &RestoreContext,
    steps: &Steps,
    fill: impl FnOnce(&Dir, &Stage, &Rights) -> Result<Filled>,
) -> Result<RestoreReport> {
    let at_target = |errno: Errno| WorkspaceError::Path {
        operation: "open",
        path: target.display().to_string(),
        source: errno.into(),
    };
    let made = match rustix::fs::mkdir(target, Mode::from_raw_mode(0o777)) {
        Ok(()) => true,
        Err(Errno::EXIST) => false,
        Err(errno) => return Err(at_target(errno)),
    };
    let root = Dir::open_root(target).map_err(at_target)?;
    if let Ok(own) = root.open_dir(c".backstay") {
        // What an interrupted restore left here.
        recover_in(&root, &own, &Steps::unlimited())?;
    }
    let is_empty = root.list().map_err(at_target)?.iter().all(|(name, _)| name == c".backstay");
    let is_in_use = root.stat_beneath(b".backstay/catalog.db").map_err(at_target)?.is_some();
    if !is_empty || is_in_use {
        return Err(WorkspaceError::TargetNotEmpty { path: target.display().to_string() });
    }
    let own = open_own_directory(target)?;
    let stage = Stage::create(&own, operation)?;
    let restored = place_tree(&root, &own, &stage, snapshot, operation, context, steps, fill);
    if matches!(restored, Err(WorkspaceError::Fault { .. } | WorkspaceError::Unfinished { .. })) {
        return restored;
    }
    let removed = stage.remove().and_then(|()| remove_own(&root, operation));
    if restored.is_err() && made {
        let _ = rustix::fs::rmdir(target);
    }
    let report = restored?;
    removed?;
    Ok(report)
}

/// Removes `.backstay` from a target again: it is no workspace.
fn remove_own(root: &Dir, operation: &OperationId) -> Result<()> {
    let failed = |errno| WorkspaceError::path("remove", OWN_DIRECTORY.as_bytes(), errno);
    let own = root.open_dir(c".backstay").map_err(failed)?;
    if let Some(journal) = Journal::open(&own)? {
        journal.remove(operation, "intent")?;
        journal.remove(operation, "done")?;
    }
    own.remove_file(c".gitignore").map_err(failed)?;
    for name in [b"stage".as_slice(), b"journal"] {
        remove_leftover(&own, name).map_err(failed)?;
    }
    let times = root.stat_self().map_err(failed)?.mtime_ns;
    remove_leftover(root, OWN_DIRECTORY.as_bytes()).map_err(failed)?;
    let metadata = rustix::fs::Timestamps {
        last_access: rustix::fs::Timespec { tv_sec: 0, tv_nsec: rustix::fs::UTIME_OMIT },
        last_modification: rustix::fs::Timespec {
            tv_sec: times.div_euclid(1_000_000_000),
            tv_nsec: times.rem_euclid(1_000_000_000),
        },
    };
    rustix::fs::futimens(root.fd(), &metadata).map_err(failed)
}

#[expect(clippy::too_many_arguments, reason = "the parts of one restore, used nowhere else")]
fn place_tree(
    root: &Dir,
    own: &Dir,
    stage: &Stage,
    snapshot: &SnapshotId,
    operation: &OperationId,
    context: &RestoreContext,
    steps: &Steps,
    fill: impl FnOnce(&Dir, &Stage, &Rights) -> Result<Filled>,
) -> Result<RestoreReport> {
    steps.pass()?;
    let rights = Rights::of_process();
    let Filled { mut report, root: root_metadata } = fill(root, stage, &rights)?;
    steps.pass()?;
    context.cancel.check()?;
    let listing =
        stage.dir.list().map_err(|errno| WorkspaceError::path("list", b".backstay/stage", errno))?;
    let mut operations: Vec<Operation> = listing
        .iter()
        .map(|(name, _)| Operation::Place {
            staged: name.to_bytes().to_vec(),
            path: name.to_bytes().to_vec(),
            before: None,
            hashes: Hashes::default(),
        })
        .collect();
    if let Some(metadata) = root_metadata {
        operations.push(Operation::SetMetadata { path: Vec::new(), metadata });
    }
    let journal = Journal::create(own)?;
    let header = Header {
        operation: operation.clone(),
        kind: "restore".to_owned(),
        snapshot: Some(snapshot.clone()),
        safety_snapshot: None,
        detail: serde_json::Value::Null,
        decision: None,
    };
    journal.write_intent(&header, &operations, false)?;
    steps.pass()?;
    journal.commit(&header, false)?;
    flip(root, Some(&stage.dir), &operations, &rights, steps, &mut report.not_restored)
        .map_err(|stopped| unfinished(operation, stopped))?;
    journal.finish(operation, false)?;
    report.not_restored.extend(rights.into_notes());
    Ok(report)
}

/// Writes what is selected of a snapshot.
fn write_tree(
    root: &Dir,
    stage: &Stage,
    rights: &Rights,
    manifest: &Manifest,
    reader: &Reader,
    selection: &Selection,
    context: &RestoreContext,
) -> Result<Filled> {
    context.progress.expect(manifest.counts.files, manifest.logical_bytes);
    let mut tree = Tree {
        target: &stage.dir,
        opener: Opener::new(&stage.dir),
        reader,
        rights,
        context,
        selection,
        folds_case: folds_case(root),
        jobs: Vec::new(),
        links: HashMap::new(),
        linked: Vec::new(),
        directories: Vec::new(),
        report: RestoreReport::default(),
    };
    tree.walk(&manifest.root)?;
    tree.finish()?;
    let attributes = WorkspaceAttributes::from_map(&manifest.attributes);
    let is_whole = selection.is_all() && attributes.scope.is_empty() && attributes.root.mode != 0;
    Ok(Filled { report: tree.report, root: is_whole.then(|| Metadata::of_root(&attributes.root)) })
}

pub(super) fn folds_case(root: &Dir) -> bool {
    root.stat(c".BACKSTAY").is_ok()
}

/// A tree being written into an empty directory.
struct Tree<'a> {
    target: &'a Dir,
    opener: Opener<'a>,
    reader: &'a Reader,
    rights: &'a Rights,
    context: &'a RestoreContext,
    selection: &'a Selection,
    folds_case: bool,
    jobs: Vec<FileJob>,
    /// For each group of names the path that is written.
    links: HashMap<u64, Vec<u8>>,
    /// Further names: the group and the path.
    linked: Vec<(u64, Vec<u8>)>,
    /// Every directory, those above before those in them.
    directories: Vec<(Vec<u8>, Metadata)>,
    report: RestoreReport,
}

impl Tree<'_> {
    fn walk(&mut self, root: &DirectoryRef) -> Result<()> {
        let mut pending = vec![(Vec::new(), *root, self.selection.is_all())];
        while let Some((path, directory, inside)) = pending.pop() {
            let first_new = pending.len();
            self.write_directory(&path, &directory, inside, &mut pending)?;
            pending[first_new..].reverse();
        }
        Ok(())
    }

    fn write_directory(
        &mut self,
        path: &[u8],
        directory: &DirectoryRef,
        inside: bool,
        pending: &mut Vec<(Vec<u8>, DirectoryRef, bool)>,
    ) -> Result<()> {
        let failed = |errno| WorkspaceError::path("create", path, errno);
        let mut here: Option<Dir> = None;
        let mut last: Option<Vec<u8>> = None;
        let mut names = Vec::new();
        for entry in self.reader.entries(directory) {
            let entry = entry?;
            check_name(&entry, last.as_deref(), path)?;
            let entry_path = join(path, &entry.name);
            last = Some(entry.name.clone());
            let selected = if inside { Selected::Inside } else { self.selection.of(&entry_path) };
            if !(selected.is_selected() || (selected == Selected::Above && entry.directory().is_some())) {
                continue;
            }
            if self.folds_case {
                names.push(entry_path.clone());
            }
            match &entry.node {
                Node::Directory { directory } => {
                    if here.is_none() {
                        here = Some(self.open_made(path)?);
                    }
                    if let Some(here) = &here {
                        here.make_dir(&c_name(&entry.name).map_err(failed)?).map_err(failed)?;
                    }
                    self.directories.push((entry_path.clone(), Metadata::of(&entry)));
                    pending.push((entry_path, *directory, selected == Selected::Inside));
                    self.report.created += 1;
                }
                Node::Symlink { target } => {
                    if here.is_none() {
                        here = Some(self.open_made(path)?);
                    }
                    if let Some(here) = &here {
                        self.write_link(here, &entry, target, &entry_path)?;
                    }
                }
                Node::File { .. } => self.add_file(entry, entry_path)?,
                Node::Unreadable => self.cannot(entry_path, "it could not be read when it was captured"),
                _ => self.cannot(entry_path, "it is noted in snapshots, not captured"),
            }
        }
        collisions_among(names.iter())
    }

    fn open_made(&mut self, path: &[u8]) -> Result<Dir> {
        self.opener.open(path).and_then(Dir::again).map_err(|errno| WorkspaceError::path("open", path, errno))
    }

    fn cannot(&mut self, path: Vec<u8>, reason: &str) {
        self.report.not_restored.push(CannotRestore { path, reason: reason.to_owned() });
    }

    fn write_link(&mut self, here: &Dir, entry: &Entry, target: &[u8], path: &[u8]) -> Result<()> {
        let failed = |errno| WorkspaceError::path("create", path, errno);
        if target.is_empty() || target.contains(&0) {
            return Err(WorkspaceError::HostileTree { reason: "a link has no possible target".to_owned() });
        }
        let name = c_name(&entry.name).map_err(failed)?;
        rustix::fs::symlinkat(target, here.fd(), &*name).map_err(failed)?;
        self.rights.finish_new_link(here, &name, path, &Metadata::of(entry)).map_err(failed)?;
        self.report.created += 1;
        Ok(())
    }

    fn add_file(&mut self, entry: Entry, path: Vec<u8>) -> Result<()> {
        self.report.created += 1;
        if let Some(group) = entry.hard_link {
            if self.links.contains_key(&group) {
                self.linked.push((group, path));
                return Ok(());
            }
            self.links.insert(group, path.clone());
        }
        let metadata = Metadata::of(&entry);
        if let Node::File { content } = entry.node {
            self.jobs.push(FileJob { path, content, metadata });
        }
        if self.jobs.len() >= WINDOW_FILES { self.write_window() } else { Ok(()) }
    }

    fn write_window(&mut self) -> Result<()> {
        let jobs = std::mem::take(&mut self.jobs);
        self.report.written_bytes += write_files(self.target, jobs, self.reader, self.rights, self.context)?;
        Ok(())
    }

    /// Writes what is left, then the further names of files, then the metadata of directories from the inside out.
    fn finish(&mut self) -> Result<()> {
        self.write_window()?;
        for (group, path) in &self.linked {
            let failed = |errno| WorkspaceError::path("link", path, errno);
            let Some(first) = self.links.get(group) else { continue };
            let (from, old) = self.target.open_parent(first).map_err(failed)?;
            let (to, new) = self.target.open_parent(path).map_err(failed)?;
            rustix::fs::linkat(from.fd(), old, to.fd(), new, AtFlags::empty()).map_err(failed)?;
        }
        for (path, metadata) in self.directories.iter().rev() {
            let failed = |errno| WorkspaceError::path("set the metadata of", path, errno);
            let dir = self.opener.open(path).map_err(failed)?;
            self.rights.set_on_directory(dir, path, metadata, true).map_err(failed)?;
        }
        Ok(())
    }
}

/// Refuses names that no file can have, and lists that are not in order, which could hold a name twice.
fn check_name(entry: &Entry, last: Option<&[u8]>, path: &[u8]) -> Result<()> {
    let is_in_order = last.is_none_or(|last| last < entry.name.as_slice());
    if Entry::name_is_possible(&entry.name) && is_in_order {
        return Ok(());
    }
    Err(WorkspaceError::HostileTree { reason: format!("`{}` lists an impossible name", display(path)) })
}
