//! An open directory, and what can be done below it.

use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, RawDir, ResolveFlags};
use rustix::io::Errno;

use super::meta::{FileKind, Stat};
use super::path::split_parent;

/// The longest piece of a path that is handed to the kernel at once; its own limit is 4096 with the final NUL.
const LONGEST_PIECE: usize = 4000;

/// What listing a directory tells of a name, without a `stat`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NameKind {
    File,
    Directory,
    Symlink,
    /// The file system does not tell, or it is something special: a `stat` is needed.
    Other,
}

/// An open directory. Every name is resolved relative to it.
#[derive(Debug)]
pub(crate) struct Dir {
    fd: OwnedFd,
}

impl Dir {
    /// Opens a directory that a person named; links in its path are followed.
    pub(crate) fn open_root(path: &Path) -> Result<Self, Errno> {
        let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
        rustix::fs::open(path, flags, Mode::empty()).map(|fd| Self { fd })
    }

    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// Another handle to the same directory.
    pub(crate) fn again(&self) -> Result<Self, Errno> {
        rustix::io::fcntl_dupfd_cloexec(&self.fd, 0).map(|fd| Self { fd })
    }

    /// Opens the directory `name`; `NOTDIR` or `LOOP` when it is a link.
    pub(crate) fn open_dir(&self, name: &CStr) -> Result<Self, Errno> {
        let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        rustix::fs::openat(&self.fd, name, flags, Mode::empty()).map(|fd| Self { fd })
    }

    /// Opens the file `name` for reading; never a link, never waiting for the other end of a FIFO.
    pub(crate) fn open_file(&self, name: &CStr) -> Result<OwnedFd, Errno> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        rustix::fs::openat(&self.fd, name, flags, Mode::empty())
    }

    /// Opens the directory at `path`, however long, following no link and leaving this directory never.
    pub(crate) fn open_beneath(&self, path: &[u8]) -> Result<Self, Errno> {
        if path.is_empty() {
            return self.again();
        }
        let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut at: Option<Self> = None;
        for piece in Pieces(path) {
            let from = at.as_ref().unwrap_or(self);
            let fd = from.open_piece(piece, flags, Mode::empty())?;
            at = Some(Self { fd });
        }
        at.ok_or(Errno::NOENT)
    }

    /// The directory that holds `path` and the last part of `path`.
    pub(crate) fn open_parent<'p>(&self, path: &'p [u8]) -> Result<(Self, &'p [u8]), Errno> {
        let (parent, name) = split_parent(path);
        Ok((self.open_beneath(parent)?, name))
    }

    /// Creates the file at `path`, which must not exist, following no link. One system call for ordinary paths.
    pub(crate) fn create_file(&self, path: &[u8], mode: Mode) -> Result<OwnedFd, Errno> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        if path.len() <= LONGEST_PIECE {
            return self.open_piece(path, flags, mode);
        }
        let (parent, name) = self.open_parent(path)?;
        parent.open_piece(name, flags, mode)
    }

    /// `openat2` below this directory, or part by part where the kernel has no `openat2`.
    fn open_piece(&self, path: &[u8], flags: OFlags, mode: Mode) -> Result<OwnedFd, Errno> {
        static MISSING: AtomicBool = AtomicBool::new(false);
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        while !MISSING.load(Ordering::Relaxed) {
            match rustix::fs::openat2(&self.fd, path, flags, mode, resolve) {
                // A rename elsewhere in the tree; the kernel asks for another try.
                Err(Errno::AGAIN) => {}
                Err(Errno::NOSYS) => MISSING.store(true, Ordering::Relaxed),
                answer => return answer,
            }
        }
        let (parent, name) = split_parent(path);
        let walk = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut at: Option<OwnedFd> = None;
        for part in parent.split(|b| *b == b'/').filter(|part| !part.is_empty()) {
            if part == b".." {
                return Err(Errno::XDEV);
            }
            let from = at.as_ref().unwrap_or(&self.fd).as_fd();
            at = Some(rustix::fs::openat(from, part, walk, Mode::empty())?);
        }
        if name == b".." {
            return Err(Errno::XDEV);
        }
        let from = at.as_ref().unwrap_or(&self.fd).as_fd();
        rustix::fs::openat(from, name, flags | OFlags::NOFOLLOW, mode)
    }

    /// The metadata of `name` itself.
    pub(crate) fn stat(&self, name: &CStr) -> Result<Stat, Errno> {
        Stat::at(&self.fd, name)
    }

    /// The metadata of the directory itself.
    pub(crate) fn stat_self(&self) -> Result<Stat, Errno> {
        Stat::of_file(&self.fd)
    }

    /// The metadata of what is at `path`; `None` when there is nothing.
    pub(crate) fn stat_beneath(&self, path: &[u8]) -> Result<Option<Stat>, Errno> {
        if path.is_empty() {
            return self.stat_self().map(Some);
        }
        let found = self.open_parent(path).and_then(|(parent, name)| parent.stat(&c_name(name)?));
        match found {
            Ok(stat) => Ok(Some(stat)),
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(None),
            Err(errno) => Err(errno),
        }
    }

    /// Where the link `name` points.
    pub(crate) fn read_link(&self, name: &CStr) -> Result<Vec<u8>, Errno> {
        rustix::fs::readlinkat(&self.fd, name, Vec::new()).map(CString::into_bytes)
    }

    /// Makes the directory `name`, with the rights of its owner only.
    pub(crate) fn make_dir(&self, name: &CStr) -> Result<(), Errno> {
        rustix::fs::mkdirat(&self.fd, name, Mode::RWXU)
    }

    /// Removes the file or link `name`.
    pub(crate) fn remove_file(&self, name: &CStr) -> Result<(), Errno> {
        rustix::fs::unlinkat(&self.fd, name, AtFlags::empty())
    }

    /// Removes the empty directory `name`.
    pub(crate) fn remove_dir(&self, name: &CStr) -> Result<(), Errno> {
        rustix::fs::unlinkat(&self.fd, name, AtFlags::REMOVEDIR)
    }

    /// Every name in the directory, sorted as bytes. A name costs its length and 12 bytes.
    pub(crate) fn list(&self) -> Result<Listing, Errno> {
        rustix::fs::seek(&self.fd, rustix::fs::SeekFrom::Start(0))?;
        let mut buffer: Vec<u8> = Vec::with_capacity(64 * 1024);
        let mut raw = RawDir::new(&self.fd, buffer.spare_capacity_mut());
        let mut listing = Listing::default();
        while let Some(entry) = raw.next() {
            let entry = entry?;
            let name = entry.file_name().to_bytes_with_nul();
            if name == b".\0" || name == b"..\0" {
                continue;
            }
            let kind = match entry.file_type() {
                FileType::RegularFile => NameKind::File,
                FileType::Directory => NameKind::Directory,
                FileType::Symlink => NameKind::Symlink,
                _ => NameKind::Other,
            };
            listing.push(name, kind);
        }
        listing.sort();
        Ok(listing)
    }

    /// Removes everything below `name` and `name` itself, without recursion and without following links.
    pub(crate) fn remove_tree(&self, name: &CStr) -> Result<(), Errno> {
        match self.remove_file(name) {
            Ok(()) | Err(Errno::NOENT) => return Ok(()),
            Err(Errno::ISDIR | Errno::PERM) => {}
            Err(errno) => return Err(errno),
        }
        // Descends into the first directory it meets and comes back through `..`, which is checked by identity.
        let mut at = self.open_dir_for_removal(name)?;
        let mut names: Vec<(CString, Stat)> = vec![(name.to_owned(), at.stat_self()?)];
        loop {
            let mut below = None;
            let listing = at.list()?;
            for (child, _) in listing.iter() {
                match at.remove_file(child) {
                    Ok(()) | Err(Errno::NOENT) => {}
                    Err(Errno::ISDIR | Errno::PERM) => {
                        match at.remove_dir(child) {
                            Ok(()) | Err(Errno::NOENT) => continue,
                            Err(Errno::NOTEMPTY | Errno::EXIST) => {}
                            Err(errno) => return Err(errno),
                        }
                        below = Some(child.to_owned());
                        break;
                    }
                    Err(errno) => return Err(errno),
                }
            }
            if let Some(child) = below {
                let next = at.open_dir_for_removal(&child)?;
                names.push((child, next.stat_self()?));
                at = next;
                continue;
            }
            let (name, _) = names.pop().expect("the directory being emptied is on the list");
            let Some((_, parent)) = names.last() else { return self.remove_dir(&name) };
            let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
            let up = Self { fd: rustix::fs::openat(&at.fd, c"..", flags, Mode::empty())? };
            let found = up.stat_self()?;
            if (found.device, found.inode) != (parent.device, parent.inode) {
                return Err(Errno::STALE);
            }
            up.remove_dir(&name)?;
            at = up;
        }
    }

    /// Opens a directory that is about to be emptied, giving its owner the rights for that first if need be.
    fn open_dir_for_removal(&self, name: &CStr) -> Result<Self, Errno> {
        let opened = self.open_dir(name);
        let stat = match &opened {
            Ok(dir) => dir.stat_self()?,
            Err(Errno::ACCESS) => self.stat(name)?,
            Err(errno) => return Err(*errno),
        };
        if stat.kind == FileKind::Directory && stat.mode & 0o700 != 0o700 {
            // `chmod` on a name would follow a link; the kernel refuses `AT_SYMLINK_NOFOLLOW` on links only.
            let _ = rustix::fs::chmodat(&self.fd, name, Mode::RWXU, AtFlags::empty());
            return self.open_dir(name);
        }
        opened
    }
}

/// `name` as the kernel wants it; names with a NUL do not exist.
pub(crate) fn c_name(name: &[u8]) -> Result<CString, Errno> {
    CString::new(name).map_err(|_| Errno::INVAL)
}

/// Cuts a path into pieces that the kernel takes, at `/`.
struct Pieces<'p>(&'p [u8]);

impl<'p> Iterator for Pieces<'p> {
    type Item = &'p [u8];

    fn next(&mut self) -> Option<&'p [u8]> {
        if self.0.is_empty() {
            return None;
        }
        if self.0.len() <= LONGEST_PIECE {
            return Some(std::mem::take(&mut self.0));
        }
        let end = self.0[..LONGEST_PIECE].iter().rposition(|b| *b == b'/').unwrap_or(LONGEST_PIECE);
        let piece = &self.0[..end];
        self.0 = &self.0[(end + 1).min(self.0.len())..];
        Some(piece)
    }
}

/// The names in a directory, sorted as bytes.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    text: Vec<u8>,
    names: Vec<(u32, u16, NameKind)>,
}

impl Listing {
    fn push(&mut self, name_with_nul: &[u8], kind: NameKind) {
        self.names.push((self.text.len() as u32, name_with_nul.len() as u16, kind));
        self.text.extend_from_slice(name_with_nul);
    }

    fn sort(&mut self) {
        let text = std::mem::take(&mut self.text);
        let bytes =
            |name: &(u32, u16, NameKind)| &text[name.0 as usize..name.0 as usize + usize::from(name.1) - 1];
        self.names.sort_unstable_by(|a, b| bytes(a).cmp(bytes(b)));
        self.text = text;
    }

    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }

    pub(crate) fn get(&self, index: usize) -> (&CStr, NameKind) {
        let (start, length, kind) = self.names[index];
        let bytes = &self.text[start as usize..start as usize + usize::from(length)];
        (CStr::from_bytes_with_nul(bytes).expect("stored with its NUL"), kind)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&CStr, NameKind)> {
        (0..self.len()).map(|index| self.get(index))
    }

    pub(crate) fn contains(&self, name: &[u8]) -> bool {
        let mut low = 0;
        let mut high = self.len();
        while low < high {
            let middle = usize::midpoint(low, high);
            match self.get(middle).0.to_bytes().cmp(name) {
                std::cmp::Ordering::Equal => return true,
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        false
    }
}
