//! What one `statx` tells.

use std::os::fd::AsFd;

use rustix::fs::{AtFlags, FileType, Statx, StatxAttributes, StatxFlags};
use rustix::io::Errno;

/// What a name in a directory stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
    /// A character device.
    CharDevice,
    /// A block device, or anything newer than this code.
    BlockDevice,
}

/// The metadata of one entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stat {
    /// What it is.
    pub(crate) kind: FileKind,
    /// The 12 mode bits.
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) size: u64,
    /// Bytes that take space on the disk; less than `size` when there are holes.
    pub(crate) stored_bytes: u64,
    pub(crate) mtime_ns: i64,
    pub(crate) ctime_ns: i64,
    pub(crate) device: u64,
    pub(crate) inode: u64,
    pub(crate) links: u32,
    /// The device that a device node stands for.
    pub(crate) device_number: u64,
    /// Another file system is mounted here.
    pub(crate) is_mount_point: bool,
}

impl Stat {
    /// The entry `name` in `dir`, itself and not what it links to.
    pub(crate) fn at(dir: impl AsFd, name: &std::ffi::CStr) -> Result<Self, Errno> {
        rustix::fs::statx(
            dir,
            name,
            AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT,
            StatxFlags::BASIC_STATS,
        )
        .map(|stat| Self::from_statx(&stat))
    }

    /// An open file or directory.
    pub(crate) fn of_file(file: impl AsFd) -> Result<Self, Errno> {
        rustix::fs::statx(file, c"", AtFlags::EMPTY_PATH, StatxFlags::BASIC_STATS)
            .map(|stat| Self::from_statx(&stat))
    }

    fn from_statx(stat: &Statx) -> Self {
        let kind = match FileType::from_raw_mode(u32::from(stat.stx_mode)) {
            FileType::RegularFile => FileKind::File,
            FileType::Directory => FileKind::Directory,
            FileType::Symlink => FileKind::Symlink,
            FileType::Fifo => FileKind::Fifo,
            FileType::Socket => FileKind::Socket,
            FileType::CharacterDevice => FileKind::CharDevice,
            _ => FileKind::BlockDevice,
        };
        Self {
            kind,
            mode: u32::from(stat.stx_mode) & 0o7777,
            uid: stat.stx_uid,
            gid: stat.stx_gid,
            size: stat.stx_size,
            stored_bytes: stat.stx_blocks.saturating_mul(512),
            mtime_ns: nanoseconds(stat.stx_mtime.tv_sec, stat.stx_mtime.tv_nsec),
            ctime_ns: nanoseconds(stat.stx_ctime.tv_sec, stat.stx_ctime.tv_nsec),
            device: (u64::from(stat.stx_dev_major) << 32) | u64::from(stat.stx_dev_minor),
            inode: stat.stx_ino,
            links: stat.stx_nlink,
            device_number: (u64::from(stat.stx_rdev_major) << 32) | u64::from(stat.stx_rdev_minor),
            is_mount_point: stat.stx_attributes.contains(StatxAttributes::MOUNT_ROOT),
        }
    }

    /// Whether both are the same file in the same state, so that its bytes need not be read again.
    pub(crate) fn same_state(&self, other: &Self) -> bool {
        (self.kind, self.size, self.mtime_ns, self.ctime_ns, self.device, self.inode)
            == (other.kind, other.size, other.mtime_ns, other.ctime_ns, other.device, other.inode)
    }
}

fn nanoseconds(seconds: i64, nanoseconds: u32) -> i64 {
    seconds.saturating_mul(1_000_000_000).saturating_add(i64::from(nanoseconds))
}
