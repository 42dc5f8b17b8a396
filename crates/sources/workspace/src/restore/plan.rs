//! What a restore into the workspace is going to change.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use backstay_repository::{Content, Entry, Manifest, Node, Reader};
use backstay_source::{CannotRestore, RestoreContext};

use crate::attributes::WorkspaceAttributes;
use crate::change_set::Metadata;
use crate::compare::{
    ContentCheck, Difference, EntryKind, EntryState, LiveEntry, LiveOptions, StayingFiles, What,
    compare_with_live,
};
use crate::error::{Result, WorkspaceError};
use crate::fs::{Dir, FileKind, display, split_parent, walk_order};
use crate::selection::Selection;

/// What of a snapshot is put back.
#[derive(Debug, Clone, Default)]
pub struct RestoreOptions {
    /// The paths; nothing else is touched.
    pub selection: Selection,
    /// Keep what the snapshot lacks.
    pub keep_new: bool,
    /// How much content of live files is read to find out what may stay.
    pub content: ContentCheck,
    /// A local repository, which is left alone when it lies in the workspace.
    pub repository: Option<PathBuf>,
}

/// What happens to a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// It comes back.
    Create,
    /// Its content or type is replaced.
    Replace,
    /// It is removed, because the snapshot lacks it.
    Delete,
    /// Only mode, owner, time and attributes are set.
    Metadata,
}

/// What happens to one path.
#[derive(Debug, Clone)]
pub struct PlannedChange {
    /// The path.
    pub path: Vec<u8>,
    /// What happens.
    pub action: Action,
    /// What is there now.
    pub before: Option<EntryKind>,
    /// What will be there.
    pub after: Option<EntryKind>,
    /// Bytes to write.
    pub bytes: u64,
    pub(super) live: Option<LiveEntry>,
    pub(super) stored: Option<Entry>,
}

/// What a restore is going to change, and what it cannot put back.
#[derive(Debug)]
pub struct RestorePlan {
    pub(super) root: PathBuf,
    pub(super) changes: Vec<PlannedChange>,
    pub(super) cannot_restore: Vec<CannotRestore>,
    /// Directories whose times have to be set again.
    pub(super) touched: Vec<(Vec<u8>, Metadata)>,
    pub(super) staying: StayingFiles,
}

impl RestorePlan {
    /// Every change, in the order of a walk.
    pub fn changes(&self) -> &[PlannedChange] {
        &self.changes
    }

    /// What is not put back, with the reasons.
    pub fn cannot_restore(&self) -> &[CannotRestore] {
        &self.cannot_restore
    }

    /// The workspace.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// How many changes are of this kind.
    pub fn count(&self, action: Action) -> u64 {
        self.changes.iter().filter(|change| change.action == action).count() as u64
    }

    /// Bytes that will be written.
    pub fn bytes(&self) -> u64 {
        self.changes.iter().map(|change| change.bytes).sum()
    }

    /// Whether nothing will change.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// A hash of the plan and of the state it was made for: equal digests mean that executing changes the same paths
    /// from the same state to the same state.
    pub fn digest(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for change in &self.changes {
            hasher.update(&(change.path.len() as u64).to_le_bytes());
            hasher.update(&change.path);
            hasher.update(&[change.action as u8]);
            let state = change.live.as_ref().map(|live| {
                let stat = &live.stat;
                (stat.device, stat.inode, stat.size, stat.mtime_ns, stat.ctime_ns, stat.mode)
            });
            hasher.update(format!("{state:?} {:?}", change.stored).as_bytes());
        }
        hasher.finalize().to_hex().to_string()
    }
}

/// Finds out what putting back `manifest` into the workspace `root` would change. Changes nothing.
pub fn plan(
    root: &Path,
    manifest: &Manifest,
    reader: &Reader,
    options: &RestoreOptions,
    context: &RestoreContext,
) -> Result<RestorePlan> {
    let dir = Dir::open_root(root).map_err(|errno| WorkspaceError::Path {
        operation: "open",
        path: root.display().to_string(),
        source: errno.into(),
    })?;
    let attributes = WorkspaceAttributes::from_map(&manifest.attributes);
    let live = LiveOptions {
        selection: &options.selection,
        attributes: &attributes,
        content: options.content,
        repository: options.repository.as_deref(),
    };
    let mut comparison = compare_with_live(reader, &manifest.root, &dir, &live, context)?;
    let staying = comparison.add_link_differences();
    let mut planner = Planner { keep_new: options.keep_new, changes: Vec::new(), cannot_restore: Vec::new() };
    planner.take(comparison.differences);
    planner.keep(&comparison.kept);
    planner.add_missing_ancestors(&dir, manifest, reader)?;
    let Planner { changes, cannot_restore, .. } = planner;
    check_collisions(&dir, &changes)?;
    let is_whole = options.selection.is_all() && attributes.scope.is_empty();
    let touched = touched(&comparison.touched, &changes, is_whole.then_some(&attributes));
    Ok(RestorePlan { root: root.to_owned(), changes, cannot_restore, touched, staying })
}

struct Planner {
    keep_new: bool,
    changes: Vec<PlannedChange>,
    cannot_restore: Vec<CannotRestore>,
}

impl Planner {
    fn cannot(&mut self, path: &[u8], reason: impl Into<String>) {
        self.cannot_restore.push(CannotRestore { path: path.to_vec(), reason: reason.into() });
    }

    fn take(&mut self, differences: Vec<Difference>) {
        // A path that is left alone, with everything below it.
        let mut left_alone: Option<Vec<u8>> = None;
        for difference in differences {
            if left_alone.as_ref().is_some_and(|above| is_below(&difference.path, above)) {
                continue;
            }
            if let Some(reason) = self.reason_against(&difference) {
                left_alone = Some(difference.path.clone());
                self.cannot(&difference.path, reason);
                continue;
            }
            if difference.what == What::OnlyLive && self.keep_new {
                continue;
            }
            self.changes.push(PlannedChange::of(difference));
        }
    }

    fn reason_against(&self, difference: &Difference) -> Option<&'static str> {
        let stored = difference.stored.as_ref().map(EntryKind::of);
        let live = difference.live.as_ref().map(|live| live.stat.kind);
        match (difference.what, stored, live) {
            (What::OnlyStored | What::Type, Some(kind), _) => match kind {
                EntryKind::Fifo => Some("a FIFO is noted in snapshots, not captured"),
                EntryKind::Socket => Some("a socket is noted in snapshots, not captured"),
                EntryKind::Device => Some("a device is noted in snapshots, not captured"),
                _ if self.keep_new && difference.what == What::Type && live == Some(FileKind::Directory) => {
                    Some("a directory stands in its place, and new entries are to be kept")
                }
                _ => None,
            },
            (
                What::OnlyLive,
                _,
                Some(FileKind::Fifo | FileKind::Socket | FileKind::CharDevice | FileKind::BlockDevice),
            ) if !self.keep_new => Some("it is left where it is: an undo could not bring it back"),
            _ => None,
        }
    }

    /// Leaves the directories alone that hold something which must stay.
    fn keep(&mut self, kept: &[(Vec<u8>, &'static str)]) {
        let left: Vec<(Vec<u8>, String)> = self
            .cannot_restore
            .iter()
            .map(|cannot| (cannot.path.clone(), "it cannot be captured".to_owned()))
            .chain(kept.iter().map(|(path, reason)| (path.clone(), (*reason).to_owned())))
            .collect();
        if left.is_empty() {
            return;
        }
        let mut holds: HashMap<Vec<u8>, (Vec<u8>, String)> = HashMap::new();
        for (path, reason) in left {
            let mut above = path.as_slice();
            while let (parent, _) = split_parent(above)
                && !parent.is_empty()
                && !holds.contains_key(parent)
            {
                holds.insert(parent.to_vec(), (path.clone(), reason.clone()));
                above = parent;
            }
        }
        let mut blocked: Vec<Vec<u8>> = Vec::new();
        let changes = std::mem::take(&mut self.changes);
        for change in changes {
            if blocked.last().is_some_and(|above| is_below(&change.path, above)) {
                continue;
            }
            let was_directory = change.before == Some(EntryKind::Directory);
            let goes = change.action == Action::Delete
                || (change.action == Action::Replace && change.after != Some(EntryKind::Directory));
            match holds.get(&change.path) {
                Some((inside, reason)) if was_directory && goes => {
                    let text = format!("it holds `{}`: {reason}", display(inside));
                    if change.action == Action::Replace {
                        blocked.push(change.path.clone());
                    }
                    self.cannot(&change.path, text);
                }
                _ => self.changes.push(change),
            }
        }
    }

    /// Plans the directories that were not asked for, but without which what was asked for has no place.
    fn add_missing_ancestors(&mut self, root: &Dir, manifest: &Manifest, reader: &Reader) -> Result<()> {
        let mut known: HashSet<Vec<u8>> = self
            .changes
            .iter()
            .filter(|change| change.after == Some(EntryKind::Directory))
            .map(|change| change.path.clone())
            .collect();
        let mut without_place: HashSet<Vec<u8>> = HashSet::new();
        let mut added = Vec::new();
        for change in &self.changes {
            if change.action == Action::Delete {
                continue;
            }
            // Upwards until a directory that was looked at: those above it were, too.
            let mut above = split_parent(&change.path).0;
            while !above.is_empty() && !known.contains(above) {
                known.insert(above.to_vec());
                let live = root
                    .stat_beneath(above)
                    .map_err(|errno| WorkspaceError::path("inspect", above, errno))?;
                match live.map(|stat| stat.kind) {
                    Some(FileKind::Directory) => {}
                    Some(_) => {
                        without_place.insert(above.to_vec());
                    }
                    None => {
                        if let Some(entry) = reader.lookup_path(&manifest.root, above)? {
                            added.push(PlannedChange::created(above.to_vec(), entry));
                        }
                    }
                }
                above = split_parent(above).0;
            }
        }
        if !without_place.is_empty() {
            let is_without = |path: &[u8]| without_place.iter().any(|above| is_below(path, above));
            let (without, with): (Vec<_>, Vec<_>) =
                std::mem::take(&mut self.changes).into_iter().partition(|change| is_without(&change.path));
            self.changes = with;
            added.retain(|change| !is_without(&change.path));
            for change in without {
                self.cannot(&change.path, "something else stands where its directory was");
            }
        }
        if !added.is_empty() {
            self.changes.extend(added);
            self.changes.sort_by(|a, b| walk_order(&a.path, &b.path));
        }
        Ok(())
    }
}

impl PlannedChange {
    /// What is there now, in full.
    pub fn before_state(&self) -> Option<EntryState> {
        self.live.as_ref().map(EntryState::of_live)
    }

    /// What will be there, in full.
    pub fn after_state(&self) -> Option<EntryState> {
        self.stored.as_ref().map(EntryState::of_stored)
    }

    fn of(difference: Difference) -> Self {
        let Difference { path, what, stored, live } = difference;
        let action = match what {
            What::OnlyStored => Action::Create,
            What::OnlyLive => Action::Delete,
            What::Type | What::Content | What::Links => Action::Replace,
            What::Metadata => Action::Metadata,
        };
        let writes = matches!(action, Action::Create | Action::Replace);
        let bytes = stored.as_ref().filter(|_| writes).and_then(Entry::content).map_or(0, Content::length);
        Self {
            path,
            action,
            before: live.as_ref().map(|live| live.stat.kind.into()),
            after: stored.as_ref().map(EntryKind::of),
            bytes,
            live,
            stored,
        }
    }

    fn created(path: Vec<u8>, entry: Entry) -> Self {
        Self::of(Difference { path, what: What::OnlyStored, stored: Some(entry), live: None })
    }
}

/// Whether `path` lies below `above`.
pub(super) fn is_below(path: &[u8], above: &[u8]) -> bool {
    path.len() > above.len() && path.starts_with(above) && path[above.len()] == b'/'
}

/// The directories whose times the flip disturbs, with what the snapshot says of them.
fn touched(
    stored: &[(Vec<u8>, Entry)],
    changes: &[PlannedChange],
    whole: Option<&WorkspaceAttributes>,
) -> Vec<(Vec<u8>, Metadata)> {
    let disturbed: HashSet<&[u8]> = changes
        .iter()
        .filter(|change| change.action != Action::Metadata)
        .map(|change| split_parent(&change.path).0)
        .collect();
    let planned: HashSet<&[u8]> = changes.iter().map(|change| change.path.as_slice()).collect();
    let mut touched: Vec<(Vec<u8>, Metadata)> = stored
        .iter()
        .filter(|(path, _)| {
            !path.is_empty() && disturbed.contains(path.as_slice()) && !planned.contains(path.as_slice())
        })
        .map(|(path, entry)| (path.clone(), Metadata::of(entry)))
        .collect();
    if let Some(attributes) = whole.filter(|attributes| attributes.root.mode != 0) {
        touched.push((Vec::new(), Metadata::of_root(&attributes.root)));
    }
    touched
}

/// Refuses names that are different in the snapshot and the same on the target file system.
fn check_collisions(root: &Dir, changes: &[PlannedChange]) -> Result<()> {
    if folds_case(root) {
        collisions_among(changes.iter().filter(|change| change.after.is_some()).map(|change| &change.path))
    } else {
        Ok(())
    }
}

/// Whether the file system takes `.BACKSTAY` for `.backstay`.
fn folds_case(root: &Dir) -> bool {
    match (root.stat(c".backstay"), root.stat(c".BACKSTAY")) {
        (Ok(lower), Ok(upper)) => (lower.device, lower.inode) == (upper.device, upper.inode),
        _ => false,
    }
}

pub(super) fn collisions_among<'a>(paths: impl Iterator<Item = &'a Vec<u8>>) -> Result<()> {
    let mut seen: HashMap<String, &[u8]> = HashMap::new();
    for path in paths {
        let folded = String::from_utf8_lossy(path).to_lowercase();
        if let Some(first) = seen.insert(folded, path) {
            return Err(WorkspaceError::NamesCollide { first: display(first), second: display(path) });
        }
    }
    Ok(())
}

/// Whether an entry is one that a restore can write.
pub(super) fn is_restorable(entry: &Entry) -> bool {
    matches!(entry.node, Node::File { .. } | Node::Directory { .. } | Node::Symlink { .. })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_differ_in_case_collide_where_case_is_folded() {
        let paths = [b"a/Read".to_vec(), b"b/read".to_vec(), b"a/rEAD".to_vec()];
        assert!(collisions_among(paths[..2].iter()).is_ok());
        let Err(WorkspaceError::NamesCollide { first, second }) = collisions_among(paths.iter()) else {
            panic!("the first and the last are one name");
        };
        assert_eq!((first.as_str(), second.as_str()), ("a/Read", "a/rEAD"));
    }
}
