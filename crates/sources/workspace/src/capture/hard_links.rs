//! Files with several names.

use std::collections::HashMap;

use backstay_repository::Content;
use parking_lot::Mutex;

use crate::fs::Stat;

/// Which files with several names were met, from all threads.
#[derive(Debug, Default)]
pub(super) struct HardLinks {
    seen: Mutex<HashMap<(u64, u64), Seen>>,
}

#[derive(Debug)]
struct Seen {
    names: u32,
    links: u32,
    first: Vec<u8>,
    content: Option<(Stat, Content)>,
}

/// A file some of whose names lie outside of what was captured.
#[derive(Debug)]
pub(super) struct OutsideLinks {
    pub(super) path: Vec<u8>,
    pub(super) outside: u32,
}

impl HardLinks {
    /// The number that all names of the file carry: the inode, so that it is the same in every snapshot.
    pub(super) fn group(stat: &Stat, root_device: u64) -> Option<u64> {
        if stat.links < 2 {
            None
        } else if stat.device == root_device {
            Some(stat.inode & !(1 << 63))
        } else {
            let mut hasher = blake3::Hasher::new();
            hasher.update(&stat.device.to_le_bytes()).update(&stat.inode.to_le_bytes());
            let hash = hasher.finalize();
            let number = u64::from_le_bytes(hash.as_bytes()[..8].try_into().expect("8 of 32 bytes"));
            Some(number | 1 << 63)
        }
    }

    /// Counts a name; `true` for the first of a file.
    pub(super) fn count(&self, stat: &Stat, path: &[u8]) -> bool {
        if stat.links < 2 {
            return true;
        }
        let mut seen = self.seen.lock();
        let file = seen.entry((stat.device, stat.inode)).or_insert_with(|| Seen {
            names: 0,
            links: stat.links,
            first: path.to_vec(),
            content: None,
        });
        file.names += 1;
        file.names == 1
    }

    /// The content that was stored through another name, if the file is still in that state.
    pub(super) fn content(&self, stat: &Stat) -> Option<Content> {
        let seen = self.seen.lock();
        let (then, content) = seen.get(&(stat.device, stat.inode))?.content.as_ref()?;
        then.same_state(stat).then(|| content.clone())
    }

    /// Keeps content for the other names.
    pub(super) fn remember(&self, stat: &Stat, content: &Content) {
        if let Some(file) = self.seen.lock().get_mut(&(stat.device, stat.inode)) {
            file.content = Some((*stat, content.clone()));
        }
    }

    /// The files that have further names elsewhere.
    pub(super) fn outside(self) -> Vec<OutsideLinks> {
        let seen = self.seen.into_inner();
        seen.into_values()
            .filter(|file| file.names < file.links)
            .map(|file| OutsideLinks { path: file.first, outside: file.links - file.names })
            .collect()
    }
}
