//! One thread of a capture: takes directories and runs of names from the queue until none is left.

use std::ffi::{CStr, CString};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use backstay_repository::{Counts, DirectoryRef, Entry, Lane, Node as StoredNode, Reader, Xattr};
use parking_lot::Mutex;
use rustix::io::Errno;

use super::file::{self, Calm, Outcome, SMALL_FILE_BYTES, read_file};
use super::hard_links::HardLinks;
use super::node::{Node, NodeParts, OpenDirectories, Progressed, Segment, entry_of};
use super::options::CaptureOptions;
use super::queue::Queue;
use crate::error::{Result, WorkspaceError};
use crate::exclude::{LONGEST_IGNORE_FILE, RuleChain, Rules};
use crate::fs::{
    Dir, FileKind, Listing, NameKind, Stat, display, join, read_xattrs_of_file, read_xattrs_of_link,
};
use crate::selection::Selected;
use backstay_source::{CaptureContext, Warnings};

/// Something to do.
#[derive(Debug)]
pub(super) enum Task {
    /// Open a directory and divide its names.
    Directory(ChildDirectory),
    /// Work through a run of names.
    Names(Arc<Segment>),
}

/// A directory that was met and not opened yet.
#[derive(Debug)]
pub(super) struct ChildDirectory {
    segment: Arc<Segment>,
    slot: usize,
    name: CString,
    old: Option<Entry>,
    inside: bool,
}

/// What all threads share.
pub(super) struct Shared<'a> {
    pub(super) context: &'a CaptureContext,
    pub(super) options: &'a CaptureOptions,
    pub(super) rules: Rules,
    pub(super) calm: Calm,
    pub(super) root: Dir,
    pub(super) root_stat: Stat,
    /// Device and inode of a local repository.
    pub(super) repository: Option<(u64, u64)>,
    pub(super) links: HardLinks,
    pub(super) warnings: Warnings,
    pub(super) open: OpenDirectories,
    pub(super) queue: Queue<Task>,
    pub(super) stored: Mutex<Option<DirectoryRef>>,
    pub(super) is_privileged: bool,
}

/// What a thread counted.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tally {
    pub(super) counts: Counts,
    pub(super) logical_bytes: u64,
    pub(super) read_files: u64,
    pub(super) read_bytes: u64,
    pub(super) partial: bool,
}

/// What became of a name.
enum Met {
    Entry(Entry),
    Directory,
    Nothing,
}

pub(super) struct Worker<'a, 'w> {
    shared: &'a Shared<'a>,
    lane: Lane<'w>,
    reader: Reader,
    tally: Tally,
    buffer: Vec<u8>,
    scratch: Vec<u8>,
}

impl<'a, 'w> Worker<'a, 'w> {
    pub(super) fn new(shared: &'a Shared<'a>, lane: Lane<'w>, reader: Reader) -> Self {
        Self {
            shared,
            lane,
            reader,
            tally: Tally::default(),
            buffer: vec![0; SMALL_FILE_BYTES],
            scratch: Vec::new(),
        }
    }

    /// Works until nothing is left; an error ends the work of all threads.
    pub(super) fn run(mut self) -> Tally {
        let _ends_all = EndsAllOnPanic(self.shared);
        while let Some(task) = self.shared.queue.pop() {
            let done = match task {
                Task::Directory(child) => self.open_child(child),
                Task::Names(segment) => self.work_through(&segment),
            };
            if let Err(error) = done {
                self.shared.queue.fail(error);
            }
        }
        self.tally
    }

    /// Begins with the root.
    pub(super) fn begin(&mut self, xattrs: &[Xattr], old: Option<DirectoryRef>) -> Result<()> {
        let shared = self.shared;
        let dir = shared.root.again().map_err(|errno| WorkspaceError::path("open", b"", errno))?;
        let mut entry = entry_of(b"root", StoredNode::Unreadable, &shared.root_stat);
        entry.xattrs = xattrs.to_vec();
        let listing = dir.list().map_err(|errno| WorkspaceError::path("list", b"", errno))?;
        let chain = self.chain_of(&RuleChain::default(), b"", &dir, &listing);
        let parts = NodeParts {
            parent: None,
            path: Vec::new(),
            stat: shared.root_stat,
            entry,
            old: None,
            old_directory: old,
            listing,
            chain,
            inside: shared.options.selection.is_all(),
        };
        self.start(&Node::new(parts, Arc::new(dir)));
        Ok(())
    }

    fn start(&self, node: &Arc<Node>) {
        self.shared.open.add(node);
        let segments = node.claim(self.shared.context.threads + 1);
        self.shared.queue.push_all(segments.into_iter().map(Task::Names));
    }

    fn open_child(&mut self, child: ChildDirectory) -> Result<()> {
        let parent = Arc::clone(&child.segment.node);
        let path = join(&parent.path, child.name.to_bytes());
        let above = match parent.dir(&self.shared.root) {
            Ok(dir) => dir,
            Err(errno) => return self.directory_failed(&child, &path, "open", errno),
        };
        let dir = match above.open_dir(&child.name) {
            Ok(dir) => dir,
            Err(Errno::NOENT) => return self.deliver(&child.segment, child.slot, None),
            Err(Errno::NOTDIR | Errno::LOOP) => {
                // It was swapped for something else since it was listed.
                let met = self.meet(&parent, &above, &child.name, NameKind::Other, None, child.inside, 1)?;
                let entry = if let Met::Entry(entry) = met { Some(entry) } else { None };
                return self.deliver(&child.segment, child.slot, entry);
            }
            Err(errno) => return self.directory_failed(&child, &path, "open", errno),
        };
        let stat = match dir.stat_self() {
            Ok(stat) => stat,
            Err(errno) => return self.directory_failed(&child, &path, "inspect", errno),
        };
        if self.shared.repository == Some((stat.device, stat.inode)) {
            return self.deliver(&child.segment, child.slot, None);
        }
        self.shared.context.progress.current(&path);
        let old = child.old.filter(|old| old.directory().is_some());
        let xattrs = match &old {
            Some(old) if is_unchanged(old, &stat) => old.xattrs.clone(),
            _ => match read_xattrs_of_file(dir.fd(), &mut self.scratch) {
                Ok(xattrs) => xattrs.into_iter().map(|(name, value)| Xattr { name, value }).collect(),
                Err(error) => {
                    let child = ChildDirectory { old, ..child };
                    return self.directory_failed(&child, &path, "read the attributes of", error.errno);
                }
            },
        };
        let mut entry = entry_of(child.name.to_bytes(), StoredNode::Unreadable, &stat);
        entry.xattrs = xattrs;
        self.make_certain(&mut entry);
        self.tally.counts.directories += 1;
        let mounted = stat.is_mount_point || stat.device != parent.stat.device;
        if mounted && !self.shared.rules.cross_mounts() {
            self.tally.counts.skipped += 1;
            let directory = self.lane.store_directory(&[])?;
            entry.node = StoredNode::Directory { directory };
            parent.changed.fetch_or(old.as_ref() != Some(&entry), Ordering::AcqRel);
            return self.deliver(&child.segment, child.slot, Some(entry));
        }
        let listing = match dir.list() {
            Ok(listing) => listing,
            Err(errno) => {
                self.tally.counts.directories -= 1;
                let child = ChildDirectory { old, ..child };
                return self.directory_failed(&child, &path, "list", errno);
            }
        };
        let chain = self.chain_of(&parent.chain, &path, &dir, &listing);
        let parts = NodeParts {
            parent: Some((child.segment, child.slot)),
            path,
            stat,
            entry,
            old_directory: old.as_ref().and_then(Entry::directory),
            old,
            listing,
            chain,
            inside: child.inside,
        };
        self.start(&Node::new(parts, Arc::new(dir)));
        Ok(())
    }

    fn directory_failed(
        &mut self,
        child: &ChildDirectory,
        path: &[u8],
        operation: &'static str,
        errno: Errno,
    ) -> Result<()> {
        let dir = child.segment.node.dir(&self.shared.root);
        let stat = dir.ok().and_then(|dir| dir.stat(&child.name).ok());
        let entry = self.unreadable(path, child.name.to_bytes(), stat, operation, errno)?;
        child.segment.node.changed.store(true, Ordering::Release);
        self.deliver(&child.segment, child.slot, Some(entry))
    }

    /// The rules of a directory; its ignore files are read only when the listing names them.
    fn chain_of(&mut self, above: &RuleChain, path: &[u8], dir: &Dir, listing: &Listing) -> RuleChain {
        let mut texts = Vec::new();
        for name in self.shared.rules.ignore_files() {
            if listing.contains(name.as_bytes())
                && let Some(text) = read_ignore_file(dir, name)
            {
                texts.push(text);
            }
        }
        Rules::descend(above, path, &texts)
    }

    fn work_through(&mut self, segment: &Arc<Segment>) -> Result<()> {
        let node = Arc::clone(&segment.node);
        let dir = match node.dir(&self.shared.root) {
            Ok(dir) => dir,
            Err(errno) => return Err(WorkspaceError::path("open", &node.path, errno)),
        };
        let names = node.names(segment.index);
        let is_last = segment.index + 1 == node.segments();
        let reader = self.reader.clone();
        let mut old = node
            .old_directory
            .as_ref()
            .map(|directory| match names.start {
                0 => reader.entries(directory),
                start => reader.entries_after(directory, node.listing.get(start - 1).0.to_bytes()),
            })
            .into_iter()
            .flatten()
            .peekable();
        let mut entries = Vec::with_capacity(names.len());
        let mut children = Vec::new();
        let mut changed = false;
        for index in names {
            self.shared.context.cancel.check()?;
            let (name, kind) = node.listing.get(index);
            let mut same = None;
            while let Some(next) =
                old.next_if(|next| !matches!(next, Ok(entry) if entry.name.as_slice() > name.to_bytes()))
            {
                let next = next?;
                if next.name == name.to_bytes() {
                    same = Some(next);
                    break;
                }
                changed = true;
            }
            let inside = node.inside || {
                match self.shared.options.selection.of(&join(&node.path, name.to_bytes())) {
                    Selected::Inside | Selected::Itself => true,
                    Selected::Above => false,
                    Selected::Outside => {
                        changed |= same.is_some();
                        continue;
                    }
                }
            };
            let had_old = same.is_some();
            let kept = same.clone();
            match self.meet(&node, &dir, name, kind, same, inside, 0)? {
                Met::Entry(entry) => {
                    changed |= kept.as_ref() != Some(&entry);
                    entries.push(Some(entry));
                }
                Met::Directory => {
                    let slot = entries.len();
                    entries.push(None);
                    children.push(ChildDirectory {
                        segment: Arc::clone(segment),
                        slot,
                        name: name.to_owned(),
                        old: kept,
                        inside,
                    });
                }
                Met::Nothing => changed |= had_old,
            }
        }
        changed |= is_last && old.next().is_some();
        node.changed.fetch_or(changed, Ordering::AcqRel);
        *segment.entries.lock() = entries;
        segment.pending.fetch_add(children.len(), Ordering::AcqRel);
        self.shared.queue.push_all(children.into_iter().map(Task::Directory));
        self.release(Arc::clone(segment))
    }

    /// Captures one name that is no directory.
    #[expect(
        clippy::too_many_arguments,
        reason = "what is known of one name, at the only place that needs all of it"
    )]
    fn meet(
        &mut self,
        node: &Node,
        dir: &Dir,
        name: &CStr,
        listed: NameKind,
        old: Option<Entry>,
        inside: bool,
        swaps: u32,
    ) -> Result<Met> {
        let bytes = name.to_bytes();
        let expects_file = listed == NameKind::File && old.is_none();
        let mut stat = None;
        if !expects_file && listed != NameKind::Directory {
            match dir.stat(name) {
                Ok(found) => stat = Some(found),
                Err(Errno::NOENT) => return Ok(Met::Nothing),
                Err(errno) => {
                    let path = join(&node.path, bytes);
                    return self.unreadable(&path, bytes, None, "inspect", errno).map(Met::Entry);
                }
            }
        }
        let is_dir =
            stat.map_or(listed == NameKind::Directory, |stat: Stat| stat.kind == FileKind::Directory);
        if self.shared.rules.excludes(&node.chain, &node.path, bytes, is_dir) || (!inside && !is_dir) {
            return Ok(Met::Nothing);
        }
        if is_dir {
            return Ok(if swaps == 0 { Met::Directory } else { Met::Nothing });
        }
        if let (Some(old), Some(stat)) = (old, stat)
            && let Some(entry) = self.take_over(node, old, &stat)
        {
            return Ok(Met::Entry(entry));
        }
        match stat.map(|stat| (stat, stat.kind)) {
            None | Some((_, FileKind::File)) => self.meet_file(node, dir, name, inside, swaps),
            Some((stat, FileKind::Symlink)) => self.meet_link(node, dir, name, &stat),
            Some((stat, kind)) => {
                self.tally.counts.skipped += 1;
                let number = stat.device_number;
                let special = match kind {
                    FileKind::Fifo => StoredNode::Fifo,
                    FileKind::Socket => StoredNode::Socket,
                    FileKind::CharDevice => StoredNode::CharacterDevice { number },
                    _ => StoredNode::BlockDevice { number },
                };
                let mut entry = entry_of(bytes, special, &stat);
                self.make_certain(&mut entry);
                Ok(Met::Entry(entry))
            }
        }
    }

    /// The entry of the parent snapshot, when the file or link is still in that state.
    fn take_over(&mut self, node: &Node, old: Entry, stat: &Stat) -> Option<Entry> {
        if !is_unchanged(&old, stat) {
            return None;
        }
        match (&old.node, stat.kind) {
            (StoredNode::File { content }, FileKind::File) if content.length() == stat.size => {
                if old.hard_link != HardLinks::group(stat, self.shared.root_stat.device) {
                    return None;
                }
                let size = stat.size;
                self.count_file(node, &old.name, stat);
                self.shared.context.progress.advance(1, size);
            }
            (StoredNode::Symlink { .. }, FileKind::Symlink) => self.tally.counts.symlinks += 1,
            _ => return None,
        }
        Some(old)
    }

    fn count_file(&mut self, node: &Node, name: &[u8], stat: &Stat) {
        self.tally.counts.files += 1;
        let is_first = stat.links < 2 || self.shared.links.count(stat, &join(&node.path, name));
        if is_first {
            self.tally.logical_bytes += stat.size;
        } else {
            self.tally.counts.hard_links += 1;
        }
    }

    fn meet_file(&mut self, node: &Node, dir: &Dir, name: &CStr, inside: bool, swaps: u32) -> Result<Met> {
        let shared = self.shared;
        let bytes = name.to_bytes();
        let outcome = read_file(
            dir,
            name,
            shared.calm,
            &shared.links,
            &mut self.lane,
            &mut self.buffer,
            &mut self.scratch,
        )?;
        let read = match outcome {
            Outcome::Read(read) => read,
            Outcome::OtherKind if swaps < 3 => {
                return self.meet(node, dir, name, NameKind::Other, None, inside, swaps + 1);
            }
            Outcome::Gone | Outcome::OtherKind => return Ok(Met::Nothing),
            Outcome::Unreadable(operation, errno) => {
                let path = join(&node.path, bytes);
                let stat = dir.stat(name).ok();
                return self.unreadable(&path, bytes, stat, operation, errno).map(Met::Entry);
            }
        };
        if read.stat.is_mount_point && !shared.rules.cross_mounts() {
            self.tally.counts.skipped += 1;
            return Ok(Met::Nothing);
        }
        let mut entry = entry_of(bytes, StoredNode::File { content: read.content.clone() }, &read.stat);
        entry.hard_link = HardLinks::group(&read.stat, shared.root_stat.device);
        entry.xattrs = read.xattrs.into_iter().map(|(name, value)| Xattr { name, value }).collect();
        self.make_certain(&mut entry);
        self.count_file(node, bytes, &read.stat);
        self.tally.read_files += 1;
        self.tally.read_bytes += read.read_bytes;
        shared.context.progress.advance(1, read.read_bytes);
        if read.unsteady {
            let path = join(&node.path, bytes);
            let tries = file::tries();
            if shared.options.strict {
                return Err(WorkspaceError::ChangedWhileRead { path: display(&path), tries });
            }
            entry.ctime_ns = 0;
            self.tally.partial = true;
            shared.warnings.add(
                &path,
                "changed_while_read",
                format!(
                    "it changed each of the {tries} times it was read; its stored bytes may mix two states"
                ),
            );
        } else if read.stat.links > 1 {
            shared.links.remember(&read.stat, &read.content);
        }
        Ok(Met::Entry(entry))
    }

    fn meet_link(&mut self, node: &Node, dir: &Dir, name: &CStr, stat: &Stat) -> Result<Met> {
        let bytes = name.to_bytes();
        let target = match dir.read_link(name) {
            Ok(target) => target,
            Err(Errno::NOENT | Errno::INVAL) => return Ok(Met::Nothing),
            Err(errno) => {
                let path = join(&node.path, bytes);
                return self.unreadable(&path, bytes, Some(*stat), "read", errno).map(Met::Entry);
            }
        };
        let mut entry = entry_of(bytes, StoredNode::Symlink { target }, stat);
        if self.shared.is_privileged {
            // Only privileged namespaces exist on links.
            let xattrs = read_xattrs_of_link(dir.fd(), name, &mut self.scratch).unwrap_or_default();
            entry.xattrs = xattrs.into_iter().map(|(name, value)| Xattr { name, value }).collect();
        }
        self.make_certain(&mut entry);
        self.tally.counts.symlinks += 1;
        Ok(Met::Entry(entry))
    }

    /// Forgets a change time so young that a later change could have the same.
    fn make_certain(&self, entry: &mut Entry) {
        if !self.shared.calm.is_certain(entry.ctime_ns) {
            entry.ctime_ns = 0;
        }
    }

    fn unreadable(
        &mut self,
        path: &[u8],
        name: &[u8],
        stat: Option<Stat>,
        operation: &'static str,
        errno: Errno,
    ) -> Result<Entry> {
        let error = WorkspaceError::path(operation, path, errno);
        let is_about_the_entry =
            matches!(errno, Errno::ACCESS | Errno::PERM | Errno::IO | Errno::NOENT | Errno::STALE);
        if !self.shared.options.allow_unreadable || !is_about_the_entry {
            return Err(error);
        }
        self.tally.counts.skipped += 1;
        self.tally.partial = true;
        let detail = format!("cannot {operation} it: {}", std::io::Error::from(errno));
        self.shared.warnings.add(path, "unreadable", detail);
        let mut entry = match stat {
            Some(stat) => entry_of(name, StoredNode::Unreadable, &stat),
            None => Entry::new(name, StoredNode::Unreadable),
        };
        entry.ctime_ns = 0;
        Ok(entry)
    }

    fn deliver(&mut self, segment: &Arc<Segment>, slot: usize, entry: Option<Entry>) -> Result<()> {
        if entry.is_none() {
            segment.node.changed.store(true, Ordering::Release);
        }
        segment.entries.lock()[slot] = entry;
        self.release(Arc::clone(segment))
    }

    /// Counts one thing of a segment as finished, and finishes directories upwards as far as that completes them.
    fn release(&mut self, mut segment: Arc<Segment>) -> Result<()> {
        loop {
            if decrement(&segment.pending) > 0 {
                return Ok(());
            }
            let node = Arc::clone(&segment.node);
            let directory = match node.segment_is_finished(&segment, &mut self.lane)? {
                Progressed::Next(segments) => {
                    self.shared.queue.push_all(segments.into_iter().map(Task::Names));
                    return Ok(());
                }
                Progressed::Stored(directory) => directory,
            };
            let Some((parent, slot)) = &node.parent else {
                *self.shared.stored.lock() = Some(directory);
                self.shared.queue.finish();
                return Ok(());
            };
            let entry = Entry { node: StoredNode::Directory { directory }, ..node.entry.clone() };
            if node.old.as_ref() != Some(&entry) {
                parent.node.changed.store(true, Ordering::Release);
            }
            parent.entries.lock()[*slot] = Some(entry);
            segment = Arc::clone(parent);
        }
    }
}

/// Lets the other threads end when this one panics, instead of waiting for it forever.
struct EndsAllOnPanic<'a>(&'a Shared<'a>);

impl Drop for EndsAllOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.queue.finish();
        }
    }
}

fn decrement(pending: &AtomicUsize) -> usize {
    pending.fetch_sub(1, Ordering::AcqRel) - 1
}

/// Whether nothing about the entry changed since it was captured: every change sets the change time.
pub(crate) fn is_unchanged(old: &Entry, stat: &Stat) -> bool {
    old.ctime_ns != 0
        && (old.ctime_ns, old.mtime_ns, old.inode, old.device)
            == (stat.ctime_ns, stat.mtime_ns, stat.inode, stat.device)
        && (old.mode, old.uid, old.gid) == (stat.mode, stat.uid, stat.gid)
}

/// The text of an ignore file; `None` when it is not a readable regular file of sensible size.
pub(crate) fn read_ignore_file(dir: &Dir, name: &str) -> Option<Vec<u8>> {
    let name = CString::new(name).ok()?;
    let file = std::fs::File::from(dir.open_file(&name).ok()?);
    let stat = Stat::of_file(&file).ok()?;
    if stat.kind != FileKind::File || stat.size > LONGEST_IGNORE_FILE {
        return None;
    }
    let mut text = Vec::new();
    std::io::Read::read_to_end(&mut std::io::Read::take(file, LONGEST_IGNORE_FILE), &mut text).ok()?;
    Some(text)
}
