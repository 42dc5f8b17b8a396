//! What is different between two states: two snapshots, or a snapshot and the workspace as it is.

mod change;
mod content;
mod links;
mod live;
mod renames;
mod stored;

pub use change::{Change, ChangeKind, ContentCheck, DiffOptions, EntryKind, EntryState};
pub(crate) use links::StayingFiles;
pub(crate) use live::{Difference, LiveEntry, LiveOptions, What, compare_with_live};

use std::path::Path;

use backstay_repository::{Manifest, Reader};
use backstay_source::RestoreContext;

use crate::attributes::WorkspaceAttributes;
use crate::error::{Result, WorkspaceError};
use crate::fs::{Dir, walk_order};

/// What changed from the snapshot `before` to the snapshot `after`, in the order of a walk.
///
/// Directories that both share are not read.
pub fn diff_snapshots(
    reader: &Reader,
    before: &Manifest,
    after: &Manifest,
    options: &DiffOptions,
    context: &RestoreContext,
) -> Result<Vec<Change>> {
    let mut changes =
        stored::compare(reader, &before.root, &after.root, &options.selection, &context.cancel)?;
    finish(&mut changes);
    if options.renames {
        renames::join(&mut changes);
    }
    Ok(changes)
}

/// What changed from the snapshot `before` to the workspace `root` as it is now, in the order of a walk.
///
/// What the snapshot or the workspace excludes is not compared. Changes nothing.
pub fn diff_live(
    reader: &Reader,
    before: &Manifest,
    root: &Path,
    options: &DiffOptions,
    context: &RestoreContext,
) -> Result<Vec<Change>> {
    let dir = Dir::open_root(root).map_err(|errno| WorkspaceError::Path {
        operation: "open",
        path: root.display().to_string(),
        source: errno.into(),
    })?;
    let attributes = WorkspaceAttributes::from_map(&before.attributes);
    let live = LiveOptions {
        selection: &options.selection,
        attributes: &attributes,
        content: options.content,
        repository: options.repository.as_deref(),
    };
    let comparison = compare_with_live(reader, &before.root, &dir, &live, context)?;
    let mut changes: Vec<Change> =
        comparison.into_differences().into_iter().map(change::of_difference).collect();
    finish(&mut changes);
    if options.renames {
        renames::join_with_live(&mut changes, reader, &dir, options.content)?;
    }
    Ok(changes)
}

/// Sorts, and drops directories whose only news is the time that changes inside gave them.
fn finish(changes: &mut Vec<Change>) {
    changes.sort_by(|a, b| walk_order(&a.path, &b.path));
    let follows_inside = |at: usize, changes: &[Change]| {
        let path = &changes[at].path;
        changes.get(at + 1).is_some_and(|next| {
            next.path.len() > path.len() && next.path.starts_with(path) && next.path[path.len()] == b'/'
        })
    };
    let noise: Vec<bool> = (0..changes.len())
        .map(|at| changes[at].is_only_directory_time() && follows_inside(at, changes))
        .collect();
    let mut noise = noise.into_iter();
    changes.retain(|_| !noise.next().unwrap_or(false));
}
