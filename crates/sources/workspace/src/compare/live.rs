//! Comparing a stored tree with the workspace as it is now.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::ffi::CStr;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering as MemoryOrder};

use backstay_repository::{DirectoryRef, Entry, Node, Reader, Xattr};
use backstay_source::RestoreContext;
use rustix::io::Errno;

use super::change::ContentCheck;
use super::content::file_has_content;
use super::links::{LinkFinder, Named, StayingFiles};
use crate::attributes::WorkspaceAttributes;
use crate::capture::{Queue, is_unchanged, read_ignore_file};
use crate::error::{Result, WorkspaceError};
use crate::exclude::{LONGEST_IGNORE_FILE, RuleChain, Rules};
use crate::fs::{
    Dir, FileKind, Listing, NameKind, Opener, Stat, join, read_xattrs_of_file, read_xattrs_of_link,
    walk_order,
};
use crate::selection::{Selected, Selection};

/// What is compared, and how.
pub(crate) struct LiveOptions<'a> {
    pub(crate) selection: &'a Selection,
    pub(crate) attributes: &'a WorkspaceAttributes,
    pub(crate) content: ContentCheck,
    pub(crate) repository: Option<&'a Path>,
}

/// A live entry, as it was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LiveEntry {
    pub(crate) stat: Stat,
    /// Where a link points.
    pub(crate) target: Option<Vec<u8>>,
}

/// How a path differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    OnlyStored,
    OnlyLive,
    Type,
    Content,
    /// The bytes are equal, but not which names are one file.
    Links,
    Metadata,
}

/// A path that differs.
#[derive(Debug, Clone)]
pub(crate) struct Difference {
    pub(crate) path: Vec<u8>,
    pub(crate) what: What,
    pub(crate) stored: Option<Entry>,
    pub(crate) live: Option<LiveEntry>,
}

/// All that differs.
#[derive(Debug, Default)]
pub(crate) struct Comparison {
    /// In the order of a walk.
    pub(crate) differences: Vec<Difference>,
    /// Live paths that nothing may touch although they lie in a directory that the snapshot lacks, with the reason.
    pub(crate) kept: Vec<(Vec<u8>, &'static str)>,
    /// Stored directories that exist and in which entries come, go or are replaced; their times have to be set again.
    pub(crate) touched: Vec<(Vec<u8>, Entry)>,
    pub(crate) links: LinkFinder,
}

impl Comparison {
    /// The differences, those of hard links among them, in the order of a walk.
    pub(crate) fn into_differences(mut self) -> Vec<Difference> {
        self.add_link_differences();
        self.differences
    }

    /// Adds what differs about hard links; returns for each group of names the one whose file stays.
    pub(crate) fn add_link_differences(&mut self) -> StayingFiles {
        let (found, staying) = std::mem::take(&mut self.links).into_differences();
        if !found.is_empty() {
            let relinked: HashSet<&[u8]> = found.iter().map(|found| found.path.as_slice()).collect();
            self.differences.retain(|known| !relinked.contains(known.path.as_slice()));
            self.differences.extend(found);
            self.differences.sort_by(|a, b| walk_order(&a.path, &b.path));
        }
        staying
    }

    fn merge(&mut self, other: Self) {
        self.differences.extend(other.differences);
        self.kept.extend(other.kept);
        self.touched.extend(other.touched);
        self.links.merge(other.links);
    }
}

/// A directory to compare: stored, live or both.
struct Task {
    path: Vec<u8>,
    stored: Option<Entry>,
    live: bool,
    inside: bool,
    live_rules: RuleChain,
    stored_rules: RuleChain,
}

struct Shared<'a> {
    reader: &'a Reader,
    root: &'a Dir,
    root_device: u64,
    rules: Rules,
    options: &'a LiveOptions<'a>,
    scope: Selection,
    context: &'a RestoreContext,
    repository: Option<(u64, u64)>,
    queue: Queue<Task>,
    open_tasks: AtomicUsize,
    is_privileged: bool,
}

/// Compares the stored directory `stored` with `root`, with several threads. Changes nothing.
pub(crate) fn compare_with_live(
    reader: &Reader,
    stored: &DirectoryRef,
    root: &Dir,
    options: &LiveOptions<'_>,
    context: &RestoreContext,
) -> Result<Comparison> {
    let at_root = |errno| WorkspaceError::path("inspect", b"", errno);
    let scope = &options.attributes.scope;
    let shared = Shared {
        reader,
        root,
        root_device: root.stat_self().map_err(at_root)?.device,
        rules: Rules::new(options.attributes.excludes.clone())?,
        options,
        scope: if scope.is_empty() { Selection::all() } else { Selection::of_paths(scope)? },
        context,
        repository: options
            .repository
            .and_then(|path| Dir::open_root(path).ok())
            .and_then(|dir| dir.stat_self().ok())
            .map(|stat| (stat.device, stat.inode)),
        queue: Queue::new(),
        open_tasks: AtomicUsize::new(1),
        is_privileged: rustix::process::geteuid().is_root(),
    };
    let first = Task {
        path: Vec::new(),
        stored: Some(Entry::new(b"root".as_slice(), Node::Directory { directory: *stored })),
        live: true,
        inside: options.selection.is_all() && shared.scope.is_all(),
        live_rules: RuleChain::default(),
        stored_rules: RuleChain::default(),
    };
    shared.queue.push_all([first].into_iter());
    let mut all = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (1..context.threads.max(1)).map(|_| scope.spawn(|| Worker::new(&shared).run())).collect();
        let mut all = Worker::new(&shared).run();
        for thread in threads {
            match thread.join() {
                Ok(found) => all.merge(found),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        all
    });
    if let Some(error) = shared.queue.into_failure() {
        return Err(error);
    }
    all.differences.sort_by(|a, b| walk_order(&a.path, &b.path));
    Ok(all)
}

struct Worker<'a> {
    shared: &'a Shared<'a>,
    found: Comparison,
    opener: Opener<'a>,
    scratch: Vec<u8>,
}

/// The names of one live directory, and where the comparison is.
struct LiveSide {
    dir: Dir,
    listing: Listing,
    next: usize,
}

impl<'a> Worker<'a> {
    fn new(shared: &'a Shared<'a>) -> Self {
        Self { shared, found: Comparison::default(), opener: Opener::new(shared.root), scratch: Vec::new() }
    }

    fn run(mut self) -> Comparison {
        while let Some(task) = self.shared.queue.pop() {
            match self.compare_directory(task) {
                Ok(below) => {
                    self.shared.open_tasks.fetch_add(below.len(), MemoryOrder::AcqRel);
                    self.shared.queue.push_all(below.into_iter());
                }
                Err(error) => self.shared.queue.fail(error),
            }
            if self.shared.open_tasks.fetch_sub(1, MemoryOrder::AcqRel) == 1 {
                self.shared.queue.finish();
            }
        }
        self.found
    }

    fn open(&mut self, task: &Task) -> Result<Option<LiveSide>> {
        if !task.live {
            return Ok(None);
        }
        let dir = match self.opener.open(&task.path).and_then(Dir::again) {
            Ok(dir) => dir,
            // It went away, or became something else, a moment ago.
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(None),
            Err(errno) => return Err(WorkspaceError::path("open", &task.path, errno)),
        };
        let listing = dir.list().map_err(|errno| WorkspaceError::path("list", &task.path, errno))?;
        Ok(Some(LiveSide { dir, listing, next: 0 }))
    }

    fn compare_directory(&mut self, mut task: Task) -> Result<Vec<Task>> {
        let mut live = self.open(&task)?;
        let reader = self.shared.reader;
        let stored_directory = task.stored.as_ref().and_then(Entry::directory);
        self.extend_rules(&mut task, live.as_ref(), stored_directory.as_ref())?;
        let mut stored = stored_directory.iter().flat_map(|directory| reader.entries(directory)).peekable();
        let mut below = Vec::new();
        let before = self.found.differences.len();
        loop {
            self.shared.context.cancel.check()?;
            let live_name = live.as_ref().filter(|live| live.next < live.listing.len());
            let live_name = live_name.map(|live| live.listing.get(live.next).0.to_bytes());
            let order = match (stored.peek(), live_name) {
                (None, None) => break,
                (Some(Err(_)), _) | (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(Ok(entry)), Some(name)) => entry.name.as_slice().cmp(name),
            };
            let entry = if order.is_le() { stored.next().transpose()? } else { None };
            let here = live.as_mut().filter(|_| order.is_ge()).map(|live| {
                live.next += 1;
                let (name, kind) = live.listing.get(live.next - 1);
                (&live.dir, name, kind)
            });
            self.compare_name(&task, entry, here, &mut below)?;
        }
        let is_touched = self.found.differences[before..].iter().any(|found| found.what != What::Metadata);
        if is_touched
            && task.live
            && let Some(entry) = task.stored
        {
            self.found.touched.push((task.path, entry));
        }
        Ok(below)
    }

    /// Adds the ignore files of the directory, as they are and as they were.
    fn extend_rules(
        &self,
        task: &mut Task,
        live: Option<&LiveSide>,
        stored: Option<&DirectoryRef>,
    ) -> Result<()> {
        let rules = &self.shared.rules;
        let mut texts = Vec::new();
        if let Some(directory) = stored {
            for name in rules.ignore_files() {
                let entry = self.shared.reader.lookup(directory, name.as_bytes())?;
                if let Some(content) = entry.as_ref().and_then(Entry::content)
                    && content.length() <= LONGEST_IGNORE_FILE
                {
                    texts.push(self.shared.reader.read_all(content, LONGEST_IGNORE_FILE)?);
                }
            }
        }
        task.stored_rules = Rules::descend(&task.stored_rules, &task.path, &texts);
        texts.clear();
        if let Some(live) = live {
            for name in rules.ignore_files() {
                if live.listing.contains(name.as_bytes()) {
                    texts.extend(read_ignore_file(&live.dir, name));
                }
            }
        }
        task.live_rules = Rules::descend(&task.live_rules, &task.path, &texts);
        Ok(())
    }

    fn compare_name(
        &mut self,
        task: &Task,
        stored: Option<Entry>,
        live: Option<(&Dir, &CStr, NameKind)>,
        below: &mut Vec<Task>,
    ) -> Result<()> {
        let name = match (&stored, live) {
            (Some(entry), _) => entry.name.clone(),
            (None, Some((_, name, _))) => name.to_bytes().to_vec(),
            (None, None) => return Ok(()),
        };
        if !Entry::name_is_possible(&name) {
            return Err(WorkspaceError::HostileTree {
                reason: format!("a name in `{}` is not a name of a file", crate::fs::display(&task.path)),
            });
        }
        let path = join(&task.path, &name);
        let selected = self.selected(task, &path);
        if selected == Selected::Outside {
            if stored.is_none() && task.stored.is_none() {
                self.found.kept.push((path, "it is not selected"));
            }
            return Ok(());
        }
        let live = match live {
            None => None,
            Some((dir, name, listed)) => match dir.stat(name) {
                Ok(stat) => Some((dir, name, listed, stat)),
                Err(Errno::NOENT) => None,
                Err(errno) => return Err(WorkspaceError::path("inspect", &path, errno)),
            },
        };
        let is_live_dir = live.is_some_and(|(.., stat)| stat.kind == FileKind::Directory);
        if let (None, Some((.., stat))) = (&stored, live)
            && let Some(reason) = self.reason_to_keep(task, &name, &stat)
        {
            // Only where it would be in the way does it matter that it stays.
            if task.stored.is_none() {
                self.found.kept.push((path, reason));
            }
            return Ok(());
        }
        if stored.as_ref().is_some_and(|entry| matches!(entry.node, Node::Unreadable)) {
            return Ok(());
        }
        let stored_dir = stored.as_ref().filter(|entry| entry.directory().is_some());
        let is_other_mount = live.is_some_and(|(.., stat)| self.is_other_file_system(&stat));
        let descends =
            (stored_dir.is_some() || is_live_dir) && !(stored_dir.is_some() && is_live_dir && is_other_mount);
        if descends {
            below.push(Task {
                path: path.clone(),
                stored: stored_dir.cloned(),
                live: is_live_dir,
                inside: selected == Selected::Inside,
                live_rules: task.live_rules.clone(),
                stored_rules: task.stored_rules.clone(),
            });
        }
        if selected.is_selected() {
            self.compare_entry(path, stored, live)?;
        }
        Ok(())
    }

    fn selected(&self, task: &Task, path: &[u8]) -> Selected {
        if task.inside {
            return Selected::Inside;
        }
        let of_all = |selection: &Selection| {
            let of_itself = selection.of(path);
            let is_below_a_selected = of_itself != Selected::Itself && selection.contains(path);
            if is_below_a_selected { Selected::Inside } else { of_itself }
        };
        // A path must be asked for, and lie in the scope of the snapshot.
        match (of_all(self.shared.options.selection), of_all(&self.shared.scope)) {
            (Selected::Outside, _) | (_, Selected::Outside) => Selected::Outside,
            (Selected::Above, _) | (_, Selected::Above) => Selected::Above,
            (Selected::Itself, _) | (_, Selected::Itself) => Selected::Itself,
            (Selected::Inside, Selected::Inside) => Selected::Inside,
        }
    }

    fn is_other_file_system(&self, stat: &Stat) -> bool {
        !self.shared.rules.cross_mounts()
            && (stat.is_mount_point
                || (stat.kind == FileKind::Directory && stat.device != self.shared.root_device))
    }

    /// Why a live entry that the snapshot lacks has to stay; `None` when it may go.
    fn reason_to_keep(&self, task: &Task, name: &[u8], stat: &Stat) -> Option<&'static str> {
        let is_dir = stat.kind == FileKind::Directory;
        let rules = &self.shared.rules;
        if rules.excludes(&task.live_rules, &task.path, name, is_dir)
            || rules.excludes(&task.stored_rules, &task.path, name, is_dir)
        {
            return Some("it is excluded from snapshots");
        }
        if self.shared.repository == Some((stat.device, stat.inode)) {
            return Some("it is the repository");
        }
        self.is_other_file_system(stat).then_some("another file system is mounted there")
    }

    fn compare_entry(
        &mut self,
        path: Vec<u8>,
        stored: Option<Entry>,
        live: Option<(&Dir, &CStr, NameKind, Stat)>,
    ) -> Result<()> {
        let live_entry = live.map(|(dir, name, _, stat)| LiveEntry {
            target: (stat.kind == FileKind::Symlink).then(|| dir.read_link(name).unwrap_or_default()),
            stat,
        });
        let what = match (&stored, &live_entry, live) {
            (Some(entry), Some(found), Some((dir, name, ..))) => {
                let mut what = self.compare_both(&path, entry, found, dir, name)?;
                if self.is_other_file_system(&found.stat) {
                    what = what.filter(|what| *what == What::Type);
                }
                what
            }
            (Some(_), ..) => Some(What::OnlyStored),
            (None, ..) => Some(What::OnlyLive),
        };
        if let Some(entry) = &stored {
            let named = Named::new(&path, entry, live_entry.as_ref(), what);
            self.found.links.add(named);
        }
        if let Some(what) = what {
            self.found.differences.push(Difference { path, what, stored, live: live_entry });
        }
        Ok(())
    }

    fn compare_both(
        &mut self,
        path: &[u8],
        stored: &Entry,
        live: &LiveEntry,
        dir: &Dir,
        name: &CStr,
    ) -> Result<Option<What>> {
        let stat = &live.stat;
        let same_kind = matches!(
            (&stored.node, stat.kind),
            (Node::File { .. }, FileKind::File)
                | (Node::Directory { .. }, FileKind::Directory)
                | (Node::Symlink { .. }, FileKind::Symlink)
                | (Node::Fifo, FileKind::Fifo)
                | (Node::Socket, FileKind::Socket)
                | (Node::BlockDevice { .. }, FileKind::BlockDevice)
                | (Node::CharacterDevice { .. }, FileKind::CharDevice)
        );
        if !same_kind {
            return Ok(Some(What::Type));
        }
        let is_unchanged = is_unchanged(stored, stat);
        match &stored.node {
            Node::Symlink { target } if live.target.as_ref() != Some(target) => {
                return Ok(Some(What::Content));
            }
            Node::File { content } => {
                if content.length() != stat.size {
                    return Ok(Some(What::Content));
                }
                let is_unsure = !is_unchanged && stat.size > 0;
                let same = match self.shared.options.content {
                    ContentCheck::Never => !is_unsure || stored.mtime_ns == stat.mtime_ns,
                    ContentCheck::WhenUnsure if !is_unsure => true,
                    _ => {
                        self.shared.context.progress.current(path);
                        file_has_content(dir, name, content, self.shared.reader)?
                    }
                };
                if !same {
                    return Ok(Some(What::Content));
                }
            }
            // Only their presence is noted.
            Node::Fifo | Node::Socket | Node::BlockDevice { .. } | Node::CharacterDevice { .. } => {
                return Ok(None);
            }
            _ => {}
        }
        if is_unchanged {
            return Ok(None);
        }
        let is_link = stat.kind == FileKind::Symlink;
        let differs = stored.mtime_ns != stat.mtime_ns
            || (!is_link && stored.mode != stat.mode)
            || (self.shared.is_privileged && (stored.uid, stored.gid) != (stat.uid, stat.gid))
            || self.xattrs_differ(path, stored, stat, dir, name)?;
        Ok(differs.then_some(What::Metadata))
    }

    fn xattrs_differ(
        &mut self,
        path: &[u8],
        stored: &Entry,
        stat: &Stat,
        dir: &Dir,
        name: &CStr,
    ) -> Result<bool> {
        let xattrs = match stat.kind {
            FileKind::Symlink if !self.shared.is_privileged => return Ok(false),
            FileKind::Symlink => read_xattrs_of_link(dir.fd(), name, &mut self.scratch),
            kind => {
                let opened = if kind == FileKind::Directory {
                    dir.open_dir(name).and_then(|dir| rustix::io::fcntl_dupfd_cloexec(dir.fd(), 0))
                } else {
                    dir.open_file(name)
                };
                match opened {
                    Ok(file) => read_xattrs_of_file(file, &mut self.scratch),
                    // Unreadable for its owner: only the mode can have been changed, and that is compared.
                    Err(Errno::ACCESS) => return Ok(false),
                    Err(errno) => return Err(WorkspaceError::path("open", path, errno)),
                }
            }
        };
        let xattrs =
            xattrs.map_err(|error| WorkspaceError::path("read the attributes of", path, error.errno))?;
        let same =
            |xattr: &Xattr, (name, value): &(Vec<u8>, Vec<u8>)| xattr.name == *name && xattr.value == *value;
        Ok(stored.xattrs.len() != xattrs.len()
            || !stored.xattrs.iter().zip(&xattrs).all(|(stored, live)| same(stored, live)))
    }
}
