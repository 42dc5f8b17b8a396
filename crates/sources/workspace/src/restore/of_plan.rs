//! The operations that put a plan into effect.

use backstay_repository::Entry;

use super::plan::{Action, PlannedChange, RestorePlan};
use crate::change_set::{Hashes, Identity, Metadata, Operation};
use crate::compare::EntryKind;

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
            let before = change.live.as_ref().filter(|_| !was_directory).map(|live| Identity::of(&live.stat));
            operations.push(Operation::Place {
                staged: staged_name(index),
                path: change.path.clone(),
                before,
                // Every chunk was verified when it was staged.
                hashes: Hashes::default(),
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
    let before = Identity::of(&change.live.as_ref()?.stat);
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
