//! Comparing which names are one file.

use std::collections::{BTreeMap, HashMap, HashSet};

use backstay_repository::{Entry, Node};

use super::live::{Difference, LiveEntry, What};
use crate::fs::{FileKind, Stat};

/// A stored name that takes part in hard links, stored or live.
#[derive(Debug)]
pub(crate) struct Named {
    path: Vec<u8>,
    entry: Entry,
    live: Option<LiveEntry>,
    /// Whether the live file may stay as the file of its group.
    may_stay: bool,
}

/// For each group of hard links the live name whose file stays, and the state in which it may.
pub(crate) type StayingFiles = BTreeMap<u64, (Vec<u8>, Stat)>;

/// Collects names of files that have several.
#[derive(Debug, Default)]
pub(crate) struct LinkFinder {
    /// Names that are one file in the snapshot.
    groups: BTreeMap<u64, Vec<Named>>,
    /// Names that are files of their own in the snapshot, but have other names now.
    single: Vec<Named>,
}

impl Named {
    /// `None` when neither the stored nor the live file has several names.
    pub(super) fn new(
        path: &[u8],
        entry: &Entry,
        live: Option<&LiveEntry>,
        what: Option<What>,
    ) -> Option<Self> {
        if !matches!(entry.node, Node::File { .. }) {
            return None;
        }
        let has_links = live.is_some_and(|live| live.stat.kind == FileKind::File && live.stat.links > 1);
        if entry.hard_link.is_none() && !has_links {
            return None;
        }
        let may_stay = matches!(what, None | Some(What::Metadata));
        Some(Self { path: path.to_vec(), entry: entry.clone(), live: live.cloned(), may_stay })
    }

    fn inode(&self) -> Option<(u64, u64)> {
        self.live.as_ref().filter(|_| self.may_stay).map(|live| (live.stat.device, live.stat.inode))
    }
}

impl LinkFinder {
    pub(super) fn add(&mut self, named: Option<Named>) {
        let Some(named) = named else { return };
        match named.entry.hard_link {
            Some(group) => self.groups.entry(group).or_default().push(named),
            None => self.single.push(named),
        }
    }

    pub(super) fn merge(&mut self, other: Self) {
        for (group, names) in other.groups {
            self.groups.entry(group).or_default().extend(names);
        }
        self.single.extend(other.single);
    }

    /// The names whose file has to be another one, and for each group the live name whose file stays.
    pub(super) fn into_differences(self) -> (Vec<Difference>, StayingFiles) {
        let mut differences = Vec::new();
        let mut staying = StayingFiles::new();
        let mut kept_inodes: HashMap<(u64, u64), u64> = HashMap::new();
        for (group, mut names) in self.groups {
            names.sort_by(|a, b| a.path.cmp(&b.path));
            // The first file that may stay and belongs to no other group is the file of the group.
            let main = names.iter().find_map(|named| {
                named.inode().filter(|inode| *kept_inodes.entry(*inode).or_insert(group) == group)
            });
            for named in names {
                if let Some(live) =
                    named.live.as_ref().filter(|_| named.inode().is_some() && named.inode() == main)
                {
                    staying.entry(group).or_insert_with(|| (named.path.clone(), live.stat));
                }
                if named.inode().is_some() && named.inode() != main {
                    differences.push(named.into_difference());
                }
            }
        }
        let mut single = self.single;
        single.sort_by(|a, b| a.path.cmp(&b.path));
        let mut seen = HashSet::new();
        for named in single {
            if let Some(inode) = named.inode()
                && (kept_inodes.contains_key(&inode) || !seen.insert(inode))
            {
                differences.push(named.into_difference());
            }
        }
        (differences, staying)
    }
}

impl Named {
    fn into_difference(self) -> Difference {
        Difference { path: self.path, what: What::Links, stored: Some(self.entry), live: self.live }
    }
}
