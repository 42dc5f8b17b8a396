//! The stage: new content beside the workspace, on the same file system, complete before anything changes.

use std::collections::HashMap;

use backstay_model::OperationId;
use backstay_repository::{Node, Reader};
use backstay_source::RestoreContext;
use rustix::fs::AtFlags;
use rustix::io::Errno;

use super::extract::{FileJob, write_files};
use super::metadata::{Metadata, Rights};
use super::operations::{Identity, places, staged_name};
use super::plan::RestorePlan;
use crate::error::{Result, WorkspaceError};
use crate::fs::{Dir, NameKind, c_name, display};

/// Files that are staged in one go; it bounds what is in memory.
pub(super) const WINDOW_FILES: usize = 32_768;

/// Up to so many entries are made durable one by one.
pub(super) const FEW: usize = 64;

/// The stage of one operation.
#[derive(Debug)]
pub(super) struct Stage {
    above: Dir,
    name: OperationId,
    pub(super) dir: Dir,
}

impl Stage {
    /// Makes an empty stage below `.backstay`.
    pub(super) fn create(own: &Dir, operation: &OperationId) -> Result<Self> {
        let failed = |errno| WorkspaceError::path("create", b".backstay/stage", errno);
        match own.make_dir(c"stage") {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => return Err(failed(errno)),
        }
        let above = own.open_dir(c"stage").map_err(failed)?;
        let name = c_name(operation.as_str().as_bytes()).map_err(failed)?;
        above.remove_tree(&name).map_err(failed)?;
        above.make_dir(&name).map_err(failed)?;
        let dir = above.open_dir(&name).map_err(failed)?;
        Ok(Self { above, name: operation.clone(), dir })
    }

    /// Opens the stage of an operation that was interrupted; `None` when there is none.
    pub(super) fn open(own: &Dir, operation: &OperationId) -> Result<Option<Self>> {
        let open = || -> Result<Self, Errno> {
            let above = own.open_dir(c"stage")?;
            let dir = above.open_dir(&c_name(operation.as_str().as_bytes())?)?;
            Ok(Self { above, name: operation.clone(), dir })
        };
        match open() {
            Ok(stage) => Ok(Some(stage)),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(WorkspaceError::path("open", b".backstay/stage", errno)),
        }
    }

    /// Makes everything that is staged durable: a few files one by one, many with the rest of the file system.
    pub(super) fn sync(&self) -> Result<()> {
        let failed = |errno| WorkspaceError::path("sync", b".backstay/stage", errno);
        let listing = self.dir.list().map_err(failed)?;
        if listing.len() > FEW {
            return rustix::fs::syncfs(self.dir.fd()).map_err(failed);
        }
        for (name, kind) in listing.iter() {
            if kind == NameKind::File {
                match self.dir.open_file(name) {
                    Ok(file) => rustix::fs::fsync(file).map_err(failed)?,
                    // Its owner may not read it.
                    Err(Errno::ACCESS) => return rustix::fs::syncfs(self.dir.fd()).map_err(failed),
                    Err(errno) => return Err(failed(errno)),
                }
            }
        }
        rustix::fs::fsync(self.dir.fd()).map_err(failed)
    }

    /// Removes the stage with all that is left in it.
    pub(super) fn remove(self) -> Result<()> {
        let failed = |errno| WorkspaceError::path("remove", b".backstay/stage", errno);
        let name = c_name(self.name.as_str().as_bytes()).map_err(failed)?;
        self.above.remove_tree(&name).map_err(failed)
    }
}

/// Removes every stage, except those of `used` operations.
pub(super) fn remove_stale(own: &Dir, used: &[OperationId]) -> Result<()> {
    let above = match own.open_dir(c"stage") {
        Ok(above) => above,
        Err(Errno::NOENT) => return Ok(()),
        Err(errno) => return Err(WorkspaceError::path("open", b".backstay/stage", errno)),
    };
    let failed = |errno| WorkspaceError::path("remove", b".backstay/stage", errno);
    for (name, _) in above.list().map_err(failed)?.iter() {
        if !used.iter().any(|operation| operation.as_str().as_bytes() == name.to_bytes()) {
            above.remove_tree(name).map_err(failed)?;
        }
    }
    Ok(())
}

/// Stages every file and link of a plan under [`staged_name`]. Returns the bytes written.
pub(super) fn stage_plan(
    stage: &Stage,
    root: &Dir,
    plan: &RestorePlan,
    reader: &Reader,
    rights: &Rights,
    context: &RestoreContext,
) -> Result<u64> {
    let mut jobs = Vec::new();
    let mut written = 0;
    // For each group of names the staged name of its file.
    let mut staged_groups: HashMap<u64, Vec<u8>> = HashMap::new();
    let mut links = Vec::new();
    for (index, change) in plan.changes.iter().enumerate().filter(|(_, change)| places(change)) {
        let Some(entry) = &change.stored else { continue };
        let name = staged_name(index);
        match (&entry.node, entry.hard_link) {
            (Node::Symlink { target }, _) => {
                stage_link(stage, &name, target, &change.path, &Metadata::of(entry), rights)?;
            }
            (Node::File { .. }, Some(group))
                if plan.staying.contains_key(&group) || staged_groups.contains_key(&group) =>
            {
                links.push((group, name, change));
            }
            (Node::File { content }, group) => {
                if let Some(group) = group {
                    staged_groups.insert(group, name.clone());
                }
                jobs.push(FileJob { path: name, content: content.clone(), metadata: Metadata::of(entry) });
            }
            _ => {}
        }
        if jobs.len() >= WINDOW_FILES {
            written += write_files(&stage.dir, std::mem::take(&mut jobs), reader, rights, context)?;
        }
    }
    written += write_files(&stage.dir, jobs, reader, rights, context)?;
    for (group, name, change) in links {
        let failed = |errno| WorkspaceError::path("link", &change.path, errno);
        let new = c_name(&name).map_err(failed)?;
        if let Some(old) = staged_groups.get(&group) {
            rustix::fs::linkat(stage.dir.fd(), old.as_slice(), stage.dir.fd(), &*new, AtFlags::empty())
                .map_err(failed)?;
        } else if let Some((path, planned)) = plan.staying.get(&group) {
            let conflict = || WorkspaceError::Conflict { paths: vec![display(path)] };
            let linked = root.open_parent(path).and_then(|(parent, old)| {
                rustix::fs::linkat(parent.fd(), old, stage.dir.fd(), &*new, AtFlags::empty())
            });
            match linked {
                Ok(()) => {}
                Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::PERM) => return Err(conflict()),
                Err(errno) => return Err(failed(errno)),
            }
            if !Identity::of(planned).is(&stage.dir.stat(&new).map_err(failed)?) {
                return Err(conflict());
            }
        }
    }
    Ok(written)
}

fn stage_link(
    stage: &Stage,
    name: &[u8],
    target: &[u8],
    path: &[u8],
    metadata: &Metadata,
    rights: &Rights,
) -> Result<()> {
    let failed = |errno| WorkspaceError::path("create", path, errno);
    if target.is_empty() || target.contains(&0) {
        return Err(WorkspaceError::HostileTree { reason: "a link has no possible target".to_owned() });
    }
    let name = c_name(name).map_err(failed)?;
    rustix::fs::symlinkat(target, stage.dir.fd(), &*name).map_err(failed)?;
    rights.finish_new_link(&stage.dir, &name, path, metadata).map_err(failed)
}
