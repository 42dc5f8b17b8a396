//! A directory while it is captured, and the pieces into which its names are divided.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use backstay_repository::{DirectoryBuilder, DirectoryRef, Entry, Lane, Node as StoredNode};
use parking_lot::Mutex;
use rustix::io::Errno;

use crate::error::Result;
use crate::exclude::RuleChain;
use crate::fs::{Dir, Listing, Stat};

/// Names that one thread works through at a stretch.
pub(super) const SEGMENT_NAMES: usize = 512;

/// Directories that stay open to open others below them. A further one costs a new walk from the root.
const OPEN_DIRECTORIES: usize = 256;

/// A directory while it is captured.
#[derive(Debug)]
pub(super) struct Node {
    /// Where the finished entry goes; `None` for the root.
    pub(super) parent: Option<(Arc<Segment>, usize)>,
    /// The path below the root.
    pub(super) path: Vec<u8>,
    pub(super) stat: Stat,
    /// The entry without its directory.
    pub(super) entry: Entry,
    /// The same directory in the parent snapshot.
    pub(super) old: Option<Entry>,
    /// The entries of the parent snapshot; given apart from `old`, because the root has no entry.
    pub(super) old_directory: Option<DirectoryRef>,
    pub(super) listing: Listing,
    pub(super) chain: RuleChain,
    /// Whether everything in it is selected.
    pub(super) inside: bool,
    /// Whether its entries are other ones than those of the parent snapshot.
    pub(super) changed: AtomicBool,
    dir: Mutex<Option<Arc<Dir>>>,
    assembly: Mutex<Assembly>,
}

/// A run of names of a directory.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) node: Arc<Node>,
    pub(super) index: usize,
    /// The entries in order; `None` where a directory is still being captured or nothing is there.
    pub(super) entries: Mutex<Vec<Option<Entry>>>,
    /// Directories that are still being captured, plus one for the segment itself.
    pub(super) pending: AtomicUsize,
}

#[derive(Debug, Default)]
struct Assembly {
    builder: DirectoryBuilder,
    /// Finished segments whose turn has not come.
    ready: BTreeMap<usize, Vec<Entry>>,
    /// Segments whose entries are in the builder.
    stored: usize,
    /// Segments that were handed out.
    claimed: usize,
}

/// What is left to do in a directory after one of its segments is finished.
pub(super) enum Progressed {
    /// Further segments to work on.
    Next(Vec<Arc<Segment>>),
    /// All of it is stored.
    Stored(DirectoryRef),
}

#[derive(Debug)]
pub(super) struct NodeParts {
    pub(super) parent: Option<(Arc<Segment>, usize)>,
    pub(super) path: Vec<u8>,
    pub(super) stat: Stat,
    pub(super) entry: Entry,
    pub(super) old: Option<Entry>,
    pub(super) old_directory: Option<DirectoryRef>,
    pub(super) listing: Listing,
    pub(super) chain: RuleChain,
    pub(super) inside: bool,
}

impl Node {
    pub(super) fn new(parts: NodeParts, dir: Arc<Dir>) -> Arc<Self> {
        Arc::new(Self {
            parent: parts.parent,
            path: parts.path,
            stat: parts.stat,
            entry: parts.entry,
            old: parts.old,
            changed: AtomicBool::new(parts.old_directory.is_none()),
            old_directory: parts.old_directory,
            listing: parts.listing,
            chain: parts.chain,
            inside: parts.inside,
            dir: Mutex::new(Some(dir)),
            assembly: Mutex::new(Assembly::default()),
        })
    }

    pub(super) fn segments(&self) -> usize {
        self.listing.len().div_ceil(SEGMENT_NAMES).max(1)
    }

    /// The indices of the names of a segment.
    pub(super) fn names(&self, segment: usize) -> std::ops::Range<usize> {
        segment * SEGMENT_NAMES..((segment + 1) * SEGMENT_NAMES).min(self.listing.len())
    }

    /// The open directory; opened anew from the root, without following links, when it was closed meanwhile.
    pub(super) fn dir(&self, root: &Dir) -> Result<Arc<Dir>, Errno> {
        if let Some(dir) = &*self.dir.lock() {
            return Ok(Arc::clone(dir));
        }
        let dir = root.open_beneath(&self.path)?;
        let found = dir.stat_self()?;
        if (found.device, found.inode) != (self.stat.device, self.stat.inode) {
            return Err(Errno::STALE);
        }
        Ok(Arc::new(dir))
    }

    /// Up to `count` segments that nobody works on yet.
    pub(super) fn claim(self: &Arc<Self>, count: usize) -> Vec<Arc<Segment>> {
        let mut assembly = self.assembly.lock();
        let first = assembly.claimed;
        assembly.claimed = (first + count).min(self.segments());
        (first..assembly.claimed).map(|index| self.segment(index)).collect()
    }

    fn segment(self: &Arc<Self>, index: usize) -> Arc<Segment> {
        Arc::new(Segment {
            node: Arc::clone(self),
            index,
            entries: Mutex::new(Vec::new()),
            pending: AtomicUsize::new(1),
        })
    }

    /// Takes over the entries of a finished segment, and stores the directory when it was the last.
    ///
    /// Entries of a large directory go to its pages in order as soon as possible, so that memory holds few of them.
    pub(super) fn segment_is_finished(
        self: &Arc<Self>,
        segment: &Segment,
        lane: &mut Lane<'_>,
    ) -> Result<Progressed> {
        let entries: Vec<Entry> =
            std::mem::take(&mut *segment.entries.lock()).into_iter().flatten().collect();
        if self.segments() == 1 {
            if !self.changed.load(Ordering::Acquire)
                && let Some(directory) = self.old_directory
            {
                return Ok(Progressed::Stored(directory));
            }
            return Ok(Progressed::Stored(lane.store_directory(&entries)?));
        }
        let mut assembly = self.assembly.lock();
        assembly.ready.insert(segment.index, entries);
        let mut stored = 0;
        loop {
            let turn = assembly.stored;
            let Some(entries) = assembly.ready.remove(&turn) else { break };
            for entry in &entries {
                assembly.builder.add(lane, entry)?;
            }
            assembly.stored += 1;
            stored += 1;
        }
        if assembly.stored == self.segments() {
            let builder = std::mem::take(&mut assembly.builder);
            return Ok(Progressed::Stored(builder.finish(lane)?));
        }
        drop(assembly);
        Ok(Progressed::Next(self.claim(stored)))
    }
}

impl Drop for Node {
    /// Takes the line of directories above apart in a loop: it can be as long as the tree is deep.
    fn drop(&mut self) {
        let mut above = self.parent.take();
        while let Some((segment, _)) = above {
            let Some(Segment { node, .. }) = Arc::into_inner(segment) else { return };
            let Some(mut node) = Arc::into_inner(node) else { return };
            above = node.parent.take();
        }
    }
}

/// Bounds the number of directories that are open at once.
#[derive(Debug, Default)]
pub(super) struct OpenDirectories(Mutex<VecDeque<Weak<Node>>>);

impl OpenDirectories {
    /// Counts the directory of `node`, closing those that were opened longest ago when there are too many.
    pub(super) fn add(&self, node: &Arc<Node>) {
        let mut open = self.0.lock();
        if open.len() >= OPEN_DIRECTORIES {
            open.retain(|node| node.strong_count() > 0);
            while open.len() >= OPEN_DIRECTORIES / 2 {
                let closed = open.pop_front().and_then(|node| node.upgrade());
                if let Some(node) = closed {
                    node.dir.lock().take();
                }
            }
        }
        open.push_back(Arc::downgrade(node));
    }
}

/// An entry with the metadata of `stat`; without link number, attributes and certainty of its change time.
pub(super) fn entry_of(name: &[u8], node: StoredNode, stat: &Stat) -> Entry {
    Entry {
        mode: stat.mode,
        uid: stat.uid,
        gid: stat.gid,
        mtime_ns: stat.mtime_ns,
        ctime_ns: stat.ctime_ns,
        inode: stat.inode,
        device: stat.device,
        ..Entry::new(name, node)
    }
}
