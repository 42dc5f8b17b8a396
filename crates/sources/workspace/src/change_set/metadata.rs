//! Mode, owner, times and attributes of what is restored.

use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use backstay_repository::Entry;
use backstay_source::CannotRestore;
use parking_lot::Mutex;
use rustix::fs::{AtFlags, Gid, Mode, OFlags, Timespec, Timestamps, UTIME_OMIT, Uid, XattrFlags};
use rustix::io::Errno;

use crate::attributes::RootMetadata;
use crate::fs::{Dir, FileKind, Stat, display, write_xattrs};

/// The most notes that are kept.
const MOST_NOTES: usize = 1000;

/// The metadata to set.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Metadata {
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) mtime_ns: i64,
    pub(crate) xattrs: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Metadata {
    pub(crate) fn of(entry: &Entry) -> Self {
        Self {
            mode: entry.mode & 0o7777,
            uid: entry.uid,
            gid: entry.gid,
            mtime_ns: entry.mtime_ns,
            xattrs: entry.xattrs.iter().map(|xattr| (xattr.name.clone(), xattr.value.clone())).collect(),
        }
    }

    pub(crate) fn of_root(root: &RootMetadata) -> Self {
        Self {
            mode: root.mode & 0o7777,
            uid: root.uid,
            gid: root.gid,
            mtime_ns: root.mtime_ns,
            xattrs: root.xattrs.clone(),
        }
    }
}

/// What this process may set, and what it could not.
#[derive(Debug)]
pub(crate) struct Rights {
    is_privileged: bool,
    uid: u32,
    gid: u32,
    umask: u32,
    notes: Mutex<Vec<CannotRestore>>,
}

impl Rights {
    pub(crate) fn of_process() -> Self {
        Self {
            is_privileged: rustix::process::geteuid().is_root(),
            uid: rustix::process::geteuid().as_raw(),
            gid: rustix::process::getegid().as_raw(),
            umask: umask(),
            notes: Mutex::new(Vec::new()),
        }
    }

    /// Whether owners can be given away.
    pub(crate) const fn is_privileged(&self) -> bool {
        self.is_privileged
    }

    /// The owner of what this process creates.
    pub(crate) const fn owner(&self) -> (u32, u32) {
        (self.uid, self.gid)
    }

    /// The bits that a new file or directory does not get.
    pub(crate) const fn umask(&self) -> u32 {
        self.umask
    }

    pub(crate) fn into_notes(self) -> Vec<CannotRestore> {
        self.notes.into_inner()
    }

    fn note(&self, path: &[u8], reason: String) {
        let mut notes = self.notes.lock();
        if notes.len() < MOST_NOTES {
            notes.push(CannotRestore { path: path.to_vec(), reason });
        }
    }

    /// The mode bits that may be given to an entry of this owner: set-id bits only together with the owner.
    fn mode(&self, wanted: &Metadata) -> u32 {
        let owned = self.is_privileged || (wanted.uid, wanted.gid) == (self.uid, self.gid);
        if owned { wanted.mode } else { wanted.mode & 0o1777 }
    }

    /// The mode with which to create a file, so that often nothing is left to be set.
    pub(crate) fn creation_mode(&self, wanted: &Metadata) -> Mode {
        Mode::from_raw_mode(self.mode(wanted) & 0o777)
    }

    /// Finishes a file that was just created with [`Rights::creation_mode`]; the time last.
    pub(crate) fn finish_new_file(
        &self,
        file: &OwnedFd,
        path: &[u8],
        wanted: &Metadata,
    ) -> Result<(), Errno> {
        let owner_changes = self.is_privileged && (wanted.uid, wanted.gid) != (self.uid, self.gid);
        if owner_changes {
            self.set_owner(file.as_fd(), c"", AtFlags::EMPTY_PATH, path, wanted);
        }
        let mode = self.mode(wanted);
        if owner_changes || mode & 0o7000 != 0 || mode & self.umask != 0 {
            rustix::fs::fchmod(file, Mode::from_raw_mode(mode))?;
        }
        if !wanted.xattrs.is_empty() {
            self.note_xattrs(path, write_xattrs(file, &wanted.xattrs, true, &mut Vec::new()));
        }
        rustix::fs::futimens(file, &times(wanted.mtime_ns))
    }

    /// Sets everything on an open directory.
    ///
    /// `is_new` spares looking for attributes that it has and should not have.
    pub(crate) fn set_on_directory(
        &self,
        dir: &Dir,
        path: &[u8],
        wanted: &Metadata,
        is_new: bool,
    ) -> Result<(), Errno> {
        let found = dir.stat_self()?;
        if self.is_privileged && (wanted.uid, wanted.gid) != (found.uid, found.gid) {
            self.set_owner(dir.fd(), c"", AtFlags::EMPTY_PATH, path, wanted);
        }
        self.note_xattrs(path, write_xattrs(dir.fd(), &wanted.xattrs, is_new, &mut Vec::new()));
        if self.mode(wanted) != found.mode || !wanted.xattrs.is_empty() {
            rustix::fs::fchmod(dir.fd(), Mode::from_raw_mode(self.mode(wanted)))?;
        }
        rustix::fs::futimens(dir.fd(), &times(wanted.mtime_ns))
    }

    /// Sets everything on an existing entry, never on what a link points to. Works without the right to read it.
    pub(crate) fn set_on_entry(
        &self,
        dir: &Dir,
        name: &CStr,
        path: &[u8],
        wanted: &Metadata,
    ) -> Result<(), Errno> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let handle = rustix::fs::openat(dir.fd(), name, flags, Mode::empty())?;
        let found = Stat::of_file(&handle)?;
        if self.is_privileged && (wanted.uid, wanted.gid) != (found.uid, found.gid) {
            self.set_owner(handle.as_fd(), c"", AtFlags::EMPTY_PATH, path, wanted);
        }
        let through =
            CString::new(format!("/proc/self/fd/{}", handle.as_raw_fd())).map_err(|_| Errno::INVAL)?;
        if found.kind != FileKind::Symlink {
            let opened = rustix::fs::open(
                &through,
                OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC,
                Mode::empty(),
            );
            if let Ok(file) = opened {
                self.note_xattrs(path, write_xattrs(&file, &wanted.xattrs, false, &mut Vec::new()));
            }
            let mode = self.mode(wanted);
            if mode != found.mode || !wanted.xattrs.is_empty() {
                rustix::fs::chmod(&through, Mode::from_raw_mode(mode))?;
            }
        }
        rustix::fs::utimensat(dir.fd(), name, &times(wanted.mtime_ns), AtFlags::SYMLINK_NOFOLLOW)
    }

    /// Finishes a link that was just created.
    pub(crate) fn finish_new_link(
        &self,
        dir: &Dir,
        name: &CStr,
        path: &[u8],
        wanted: &Metadata,
    ) -> Result<(), Errno> {
        if self.is_privileged {
            if (wanted.uid, wanted.gid) != (self.uid, self.gid) {
                self.set_owner(dir.fd(), name, AtFlags::SYMLINK_NOFOLLOW, path, wanted);
            }
            if !wanted.xattrs.is_empty() {
                let mut through = format!("/proc/self/fd/{}/", dir.fd().as_raw_fd()).into_bytes();
                through.extend_from_slice(name.to_bytes());
                for (attribute, value) in &wanted.xattrs {
                    let set = rustix::fs::lsetxattr(
                        through.as_slice(),
                        attribute.as_slice(),
                        value,
                        XattrFlags::empty(),
                    );
                    if let Err(errno) = set {
                        self.note_xattr(path, attribute, errno);
                    }
                }
            }
        }
        rustix::fs::utimensat(dir.fd(), name, &times(wanted.mtime_ns), AtFlags::SYMLINK_NOFOLLOW)
    }

    fn set_owner(
        &self,
        at: rustix::fd::BorrowedFd<'_>,
        name: &CStr,
        flags: AtFlags,
        path: &[u8],
        wanted: &Metadata,
    ) {
        // The two values that mean "leave it" to the kernel are no owner.
        if wanted.uid == u32::MAX || wanted.gid == u32::MAX {
            return;
        }
        let owner = (Some(Uid::from_raw(wanted.uid)), Some(Gid::from_raw(wanted.gid)));
        if let Err(errno) = rustix::fs::chownat(at, name, owner.0, owner.1, flags) {
            let reason = format!("its owner cannot be set: {}", std::io::Error::from(errno));
            self.note(path, reason);
        }
    }

    fn note_xattrs(&self, path: &[u8], failed: Vec<crate::fs::XattrError>) {
        for error in failed {
            self.note_xattr(path, &error.name, error.errno);
        }
    }

    fn note_xattr(&self, path: &[u8], name: &[u8], errno: Errno) {
        let reason =
            format!("the attribute `{}` cannot be set: {}", display(name), std::io::Error::from(errno));
        self.note(path, reason);
    }
}

fn times(mtime_ns: i64) -> Timestamps {
    Timestamps {
        last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
        last_modification: Timespec {
            tv_sec: mtime_ns.div_euclid(1_000_000_000),
            tv_nsec: mtime_ns.rem_euclid(1_000_000_000),
        },
    }
}

/// The bits that this process never gives to a new file. Reading it any other way would change it for all threads.
fn umask() -> u32 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("Umask:"));
    // When it cannot be known, every mode is set explicitly.
    line.and_then(|text| u32::from_str_radix(text.trim(), 8).ok()).unwrap_or(0o777)
}
