//! Staging what a plan puts in place.

use std::collections::HashMap;

use backstay_repository::{Node, Reader};
use backstay_source::RestoreContext;
use rustix::fs::AtFlags;
use rustix::io::Errno;

use super::extract::{FileJob, write_files};
use super::of_plan::{places, staged_name};
use super::plan::RestorePlan;
use crate::change_set::{Identity, Metadata, Rights, Stage};
use crate::error::{Result, WorkspaceError};
use crate::fs::{Dir, c_name, display};

/// Files that are staged in one go; it bounds what is in memory.
pub(super) const WINDOW_FILES: usize = 32_768;

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
