//! The disk of the operating system.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::ops::Range;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use backstay_model::Timestamp;
use bytes::Bytes;
use rustix::fs::{Advice, OFlags, RenameFlags, Timespec, Timestamps, UTIME_NOW};
use rustix::io::Errno;

use super::disk::{DirectoryEntry, Disk, DiskFile, FileStat};

/// How many bytes are written before the kernel is asked to start with them. On an ext4 disk this took `sync` of a
/// pack of 16 MiB from 11 ms to 4 ms.
const WRITE_BACK_BYTES: u64 = 4 << 20;

/// Files are for their owner alone, whatever the umask says.
const FILE_MODE: u32 = 0o600;
const DIRECTORY_MODE: u32 = 0o700;

/// A directory tree of the operating system.
#[derive(Debug)]
pub(crate) struct OsDisk {
    root: PathBuf,
}

impl OsDisk {
    /// The tree under `root`, which is created when the first object is written.
    pub(crate) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    fn path(&self, path: &str) -> PathBuf {
        if path.is_empty() { self.root.clone() } else { self.root.join(path) }
    }

    /// Opens a regular file for reading; returns it with its length. Anything else is not found: not even a pipe that a
    /// hostile hand put there can make this wait.
    fn open_file(&self, path: &str) -> io::Result<(File, u64)> {
        let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits() as i32;
        let opened = OpenOptions::new().read(true).custom_flags(flags).open(self.path(path));
        let file = match opened {
            Err(error) if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) => {
                return Err(ErrorKind::NotFound.into());
            }
            opened => opened?,
        };
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(ErrorKind::NotFound.into());
        }
        Ok((file, metadata.len()))
    }

    fn create_root(&self) -> io::Result<()> {
        let mut missing = vec![self.root.as_path()];
        while let Some(parent) = missing[missing.len() - 1].parent().filter(|parent| !parent.exists()) {
            missing.push(parent);
        }
        for directory in missing.into_iter().rev() {
            match DirBuilder::new().mode(DIRECTORY_MODE).create(directory) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists && directory.is_dir() => {}
                outcome => outcome?,
            }
            if let Some(parent) = directory.parent() {
                sync_path(parent)?;
            }
        }
        Ok(())
    }
}

impl Disk for OsDisk {
    fn create_file(&self, path: &str) -> io::Result<Box<dyn DiskFile>> {
        let file = OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(self.path(path))?;
        Ok(Box::new(OsFile { file, written_bytes: 0, started_bytes: 0 }))
    }

    fn create_directory(&self, path: &str) -> io::Result<()> {
        if path.is_empty() {
            return self.create_root();
        }
        DirBuilder::new().mode(DIRECTORY_MODE).create(self.path(path))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path(from), self.path(to))
    }

    fn rename_new(&self, from: &str, to: &str) -> io::Result<()> {
        let (from, to) = (self.path(from), self.path(to));
        match rustix::fs::renameat_with(rustix::fs::CWD, &from, rustix::fs::CWD, &to, RenameFlags::NOREPLACE)
        {
            // Some file systems do not know the flag; a second name for the file is as atomic.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
                fs::hard_link(&from, &to)?;
                fs::remove_file(&from)
            }
            outcome => Ok(outcome?),
        }
    }

    fn remove_file(&self, path: &str) -> io::Result<()> {
        fs::remove_file(self.path(path))
    }

    fn sync_directory(&self, path: &str) -> io::Result<()> {
        sync_path(&self.path(path))
    }

    fn read(&self, path: &str) -> io::Result<Bytes> {
        let (mut file, length) = self.open_file(path)?;
        let mut bytes = Vec::with_capacity(length as usize + 1);
        file.read_to_end(&mut bytes)?;
        Ok(bytes.into())
    }

    fn read_range(&self, path: &str, range: Range<u64>) -> io::Result<Bytes> {
        let (file, length) = self.open_file(path)?;
        // The length may come from damaged data: nothing is allocated for it before it is known to be there.
        if range.start > range.end || range.end > length {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        let wanted = (range.end - range.start) as usize;
        let mut bytes = Vec::with_capacity(wanted);
        while bytes.len() < wanted {
            let offset = range.start + bytes.len() as u64;
            match rustix::io::pread(&file, rustix::buffer::spare_capacity(&mut bytes), offset) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        // The allocator may have given more room than was asked for.
        bytes.truncate(wanted);
        Ok(bytes.into())
    }

    fn stat(&self, path: &str) -> io::Result<FileStat> {
        let metadata = fs::symlink_metadata(self.path(path))?;
        if !metadata.is_file() {
            return Err(ErrorKind::NotFound.into());
        }
        let modified =
            metadata.mtime().saturating_mul(1_000_000).saturating_add(metadata.mtime_nsec() / 1000);
        Ok(FileStat { size: metadata.len(), modified: Timestamp::from_micros(modified) })
    }

    fn entries(&self, path: &str, visit: &mut dyn FnMut(DirectoryEntry<'_>) -> bool) -> io::Result<()> {
        for entry in fs::read_dir(self.path(path))? {
            let entry = entry?;
            let kind = entry.file_type()?;
            let name = entry.file_name();
            let Some(name) = name.to_str().filter(|_| kind.is_file() || kind.is_dir()) else { continue };
            if !visit(DirectoryEntry { name, is_directory: kind.is_dir() }) {
                break;
            }
        }
        Ok(())
    }
}

fn sync_path(directory: &Path) -> io::Result<()> {
    let handle = File::open(if directory.as_os_str().is_empty() { Path::new(".") } else { directory })?;
    match rustix::fs::fsync(handle) {
        // A file system that cannot do this for a directory keeps names durable by itself, or not at all.
        Err(Errno::INVAL | Errno::OPNOTSUPP) => Ok(()),
        outcome => Ok(outcome?),
    }
}

struct OsFile {
    file: File,
    written_bytes: u64,
    started_bytes: u64,
}

impl DiskFile for OsFile {
    fn append(&mut self, data: &[u8]) -> io::Result<()> {
        self.file.write_all(data)?;
        self.written_bytes += data.len() as u64;
        if self.written_bytes - self.started_bytes >= WRITE_BACK_BYTES {
            let length = std::num::NonZeroU64::new(self.written_bytes - self.started_bytes);
            // Linux starts to write dirty pages of the range and keeps them; failing to is only slower.
            let _ = rustix::fs::fadvise(&self.file, self.started_bytes, length, Advice::DontNeed);
            self.started_bytes = self.written_bytes;
        }
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        // A writer may have paused since its last byte; the age of an object counts from its completion.
        let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
        rustix::fs::futimens(&self.file, &Timestamps { last_access: now, last_modification: now })?;
        Ok(rustix::fs::fsync(&self.file)?)
    }
}
