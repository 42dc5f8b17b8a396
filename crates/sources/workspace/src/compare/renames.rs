//! Finding renames: a removed and an added file that are the same.

use std::collections::HashMap;

use backstay_repository::{Content, Reader};

use super::change::{Change, ChangeKind, ContentCheck, EntryKind, EntryState};
use super::content::file_has_content;
use crate::error::Result;
use crate::fs::{Dir, c_name};

/// Joins removed and added files of two snapshots that have the same content.
pub(super) fn join(changes: &mut Vec<Change>) {
    let mut removed: HashMap<Content, Vec<usize>> = HashMap::new();
    for (at, change) in changes.iter().enumerate().rev() {
        if let Some(content) = removed_file(change).and_then(|before| before.content.clone()) {
            removed.entry(content).or_default().push(at);
        }
    }
    let mut pairs = Vec::new();
    for (at, change) in changes.iter().enumerate() {
        let Some(content) = added_file(change).and_then(|after| after.content.as_ref()) else { continue };
        if let Some(old) = removed.get_mut(content).and_then(Vec::pop) {
            pairs.push((old, at));
        }
    }
    apply(changes, &pairs);
}

/// Joins removed and added files where the added one is live: the same inode, or the same size, time and bytes.
pub(super) fn join_with_live(
    changes: &mut Vec<Change>,
    reader: &Reader,
    root: &Dir,
    check: ContentCheck,
) -> Result<()> {
    let mut by_inode: HashMap<(u64, u64, u64), usize> = HashMap::new();
    let mut by_time: HashMap<(u64, i64), Vec<usize>> = HashMap::new();
    for (at, change) in changes.iter().enumerate().rev() {
        if let Some(before) = removed_file(change) {
            by_inode.insert((before.device, before.inode, before.size), at);
            by_time.entry((before.size, before.mtime_ns)).or_default().push(at);
        }
    }
    let mut taken = std::collections::HashSet::new();
    let mut pairs = Vec::new();
    for (at, change) in changes.iter().enumerate() {
        let Some(after) = added_file(change) else { continue };
        let same_inode = by_inode.get(&(after.device, after.inode, after.size)).filter(|old| {
            changes[**old].before.as_ref().is_some_and(|before| before.mtime_ns == after.mtime_ns)
        });
        let mut found = same_inode.copied().filter(|old| !taken.contains(old));
        if found.is_none() {
            for old in by_time.get(&(after.size, after.mtime_ns)).into_iter().flatten().rev() {
                if !taken.contains(old) && is_same(&changes[*old], change, reader, root, check)? {
                    found = Some(*old);
                    break;
                }
            }
        }
        if let Some(old) = found {
            taken.insert(old);
            pairs.push((old, at));
        }
    }
    apply(changes, &pairs);
    Ok(())
}

fn is_same(old: &Change, new: &Change, reader: &Reader, root: &Dir, check: ContentCheck) -> Result<bool> {
    let Some(content) = old.before.as_ref().and_then(|before| before.content.as_ref()) else {
        return Ok(false);
    };
    if check == ContentCheck::Never {
        return Ok(true);
    }
    let Ok((dir, name)) = root.open_parent(&new.path) else { return Ok(false) };
    let Ok(name) = c_name(name) else { return Ok(false) };
    file_has_content(&dir, &name, content, reader)
}

fn removed_file(change: &Change) -> Option<&EntryState> {
    let before = change.before.as_ref()?;
    (change.kind == ChangeKind::Deleted && before.kind == EntryKind::File && before.size > 0)
        .then_some(before)
}

fn added_file(change: &Change) -> Option<&EntryState> {
    let after = change.after.as_ref()?;
    (change.kind == ChangeKind::Added && after.kind == EntryKind::File && after.size > 0).then_some(after)
}

/// Turns pairs of (removed, added) into renames.
fn apply(changes: &mut Vec<Change>, pairs: &[(usize, usize)]) {
    let mut is_gone = vec![false; changes.len()];
    for (old, new) in pairs {
        is_gone[*old] = true;
        let before = changes[*old].before.take();
        let from = changes[*old].path.clone();
        let change = &mut changes[*new];
        change.kind = ChangeKind::Renamed;
        change.renamed_from = Some(from);
        change.before = before;
    }
    let mut is_gone = is_gone.into_iter();
    changes.retain(|_| !is_gone.next().unwrap_or(false));
}
