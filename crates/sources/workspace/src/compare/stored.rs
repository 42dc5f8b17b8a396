//! Comparing two snapshots.

use std::cmp::Ordering;

use backstay_repository::{Cancel, DirectoryRef, Entry, Node, Reader};

use super::change::{Change, ChangeKind, EntryKind, EntryState};
use crate::error::Result;
use crate::fs::join;
use crate::selection::{Selected, Selection};

struct Pair {
    path: Vec<u8>,
    before: Option<DirectoryRef>,
    after: Option<DirectoryRef>,
    inside: bool,
}

/// Every change between two stored directories, in no particular order.
pub(super) fn compare(
    reader: &Reader,
    before: &DirectoryRef,
    after: &DirectoryRef,
    selection: &Selection,
    cancel: &Cancel,
) -> Result<Vec<Change>> {
    let mut changes = Vec::new();
    let mut pairs = vec![Pair {
        path: Vec::new(),
        before: Some(*before),
        after: Some(*after),
        inside: selection.is_all(),
    }];
    while let Some(pair) = pairs.pop() {
        if pair.before == pair.after {
            continue;
        }
        let mut old = pair.before.iter().flat_map(|directory| reader.entries(directory)).peekable();
        let mut new = pair.after.iter().flat_map(|directory| reader.entries(directory)).peekable();
        loop {
            cancel.check()?;
            let order = match (old.peek(), new.peek()) {
                (None, None) => break,
                (Some(Ok(a)), Some(Ok(b))) => a.name.cmp(&b.name),
                (Some(Err(_)), _) | (Some(_), None) => Ordering::Less,
                (_, Some(Err(_))) | (None, Some(_)) => Ordering::Greater,
            };
            let old = if order.is_le() { old.next().transpose()? } else { None };
            let new = if order.is_ge() { new.next().transpose()? } else { None };
            let Some(name) = old.as_ref().or(new.as_ref()).map(|entry| entry.name.clone()) else { break };
            let path = join(&pair.path, &name);
            let selected = if pair.inside { Selected::Inside } else { selection.of(&path) };
            if selected == Selected::Outside {
                continue;
            }
            let before = old.as_ref().and_then(Entry::directory);
            let after = new.as_ref().and_then(Entry::directory);
            if before != after {
                pairs.push(Pair { path: path.clone(), before, after, inside: selected == Selected::Inside });
            }
            if selected.is_selected()
                && let Some(kind) = kind_of(old.as_ref(), new.as_ref())
            {
                changes.push(Change {
                    path,
                    kind,
                    renamed_from: None,
                    before: old.as_ref().map(EntryState::of_stored),
                    after: new.as_ref().map(EntryState::of_stored),
                });
            }
        }
    }
    Ok(changes)
}

fn kind_of(old: Option<&Entry>, new: Option<&Entry>) -> Option<ChangeKind> {
    let (old, new) = match (old, new) {
        (None, None) => return None,
        (None, Some(_)) => return Some(ChangeKind::Added),
        (Some(_), None) => return Some(ChangeKind::Deleted),
        (Some(old), Some(new)) => (old, new),
    };
    if EntryKind::of(old) != EntryKind::of(new) {
        return Some(ChangeKind::Type);
    }
    let same_node = matches!((&old.node, &new.node), (Node::Directory { .. }, _)) || old.node == new.node;
    if !same_node {
        return Some(ChangeKind::Modified);
    }
    let properties = |entry: &Entry| (entry.mode, entry.uid, entry.gid, entry.mtime_ns);
    (properties(old) != properties(new) || old.xattrs != new.xattrs).then_some(ChangeKind::Properties)
}
