//! Compares a restored directory with the snapshot it came from, entry by entry and byte by byte.

use std::ffi::OsStr;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use backstay_model::Rng;
use backstay_repository::{Cancel, Progress};
use backstay_service::view::{Entry, EntryKind};
use backstay_service::{Subtree, SubtreeItem};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, openat, readlinkat, statat};

use crate::failure::Failure;

/// The most differences that are reported.
const MAX_DIFFERENCES: usize = 1000;

/// A private directory among the temporary files, removed when dropped.
#[derive(Debug)]
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    /// Creates the directory.
    pub(crate) fn create(rng: &dyn Rng) -> Result<Self, Failure> {
        use std::os::unix::fs::DirBuilderExt;
        let name = format!("backstay-restore-test-{}", backstay_model::id::random_suffix(rng, 16));
        let path = std::env::temp_dir().join(name);
        std::fs::DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .map_err(|error| Failure::io(format!("cannot create {}", path.display()), &error))?;
        Ok(Self(path))
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Directories without write permission were restored as they are; without it nothing in them can be removed.
        drop(make_removable(&self.0));
        drop(std::fs::remove_dir_all(&self.0));
    }
}

fn make_removable(root: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mut directories = vec![root.to_path_buf()];
    while let Some(directory) = directories.pop() {
        std::fs::set_permissions(&directory, std::fs::Permissions::from_mode(0o700))?;
        for entry in std::fs::read_dir(&directory)?.flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                directories.push(entry.path());
            }
        }
    }
    Ok(())
}

/// What differs between the snapshot and the directory at `root`, one sentence each.
pub(crate) fn compare(
    subtree: Subtree,
    root: &Path,
    progress: &dyn Progress,
    cancel: &Cancel,
) -> Result<Vec<String>, Failure> {
    let failed =
        |error: rustix::io::Errno| Failure::io(format!("cannot read {}", root.display()), &error.into());
    let root = rustix::fs::open(root, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).map_err(failed)?;
    let mut place = Place { root, parent: Vec::new(), directory: None };
    let mut differences = Vec::new();
    for item in subtree {
        if cancel.is_cancelled() {
            return Err(Failure::interrupted());
        }
        let item = item?;
        progress.current(&item.entry.path);
        let (path, size) = (item.entry.path.clone(), item.entry.size);
        if !path.is_empty()
            && let Err(reason) = place.check(item)
        {
            differences.push(format!("{}: {reason}", String::from_utf8_lossy(&path)));
            if differences.len() == MAX_DIFFERENCES {
                break;
            }
        }
        progress.advance(1, size);
    }
    Ok(differences)
}

/// Where the comparison is: the parent directory of the last entry stays open.
struct Place {
    root: OwnedFd,
    parent: Vec<u8>,
    directory: Option<OwnedFd>,
}

impl Place {
    /// Opens the parent of `path` without following links; keeps it for the next entry.
    fn enter(&mut self, path: &[u8]) -> io::Result<()> {
        let parent = path.iter().rposition(|byte| *byte == b'/').map_or(&path[..0], |end| &path[..end]);
        if self.directory.is_some() && self.parent == parent {
            return Ok(());
        }
        let mut directory = openat(&self.root, ".", OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        for name in parent.split(|byte| *byte == b'/').filter(|name| !name.is_empty()) {
            let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            directory = openat(&directory, OsStr::from_bytes(name), flags, Mode::empty())?;
        }
        self.parent = parent.to_vec();
        self.directory = Some(directory);
        Ok(())
    }

    /// The reason why the entry is not what it should be.
    fn check(&mut self, item: SubtreeItem) -> Result<(), String> {
        let entry = &item.entry;
        if matches!(
            entry.kind,
            EntryKind::Fifo | EntryKind::Socket | EntryKind::Device | EntryKind::Unreadable
        ) {
            return Ok(());
        }
        let unreadable = |error: io::Error| format!("cannot be read: {error}");
        self.enter(&entry.path).map_err(unreadable)?;
        let directory = self.directory.as_ref().ok_or("its directory is gone")?;
        let name = OsStr::from_bytes(entry.path.rsplit(|byte| *byte == b'/').next().unwrap_or_default());
        let stat =
            statat(directory, name, AtFlags::SYMLINK_NOFOLLOW).map_err(|_| "it is missing".to_owned())?;
        let kind = match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => EntryKind::File,
            FileType::Directory => EntryKind::Directory,
            FileType::Symlink => EntryKind::Symlink,
            _ => return Err("it is of another type".to_owned()),
        };
        if kind != entry.kind {
            return Err("it is of another type".to_owned());
        }
        if kind == EntryKind::Symlink {
            let target = readlinkat(directory, name, Vec::new()).map_err(|error| unreadable(error.into()))?;
            return if Some(target.as_bytes()) == entry.target.as_deref() {
                Ok(())
            } else {
                Err("it points elsewhere".to_owned())
            };
        }
        metadata(entry, &stat)?;
        match item.reader {
            Some(expected) if kind == EntryKind::File => {
                let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                let file = openat(directory, name, flags, Mode::empty())
                    .map_err(|error| unreadable(error.into()))?;
                same_bytes(expected, std::fs::File::from(file))
                    .map_err(unreadable)?
                    .then_some(())
                    .ok_or_else(|| "its content differs".to_owned())
            }
            _ => Ok(()),
        }
    }
}

fn metadata(entry: &Entry, stat: &rustix::fs::Stat) -> Result<(), String> {
    // Without the right to set owners, set-id bits are left out on purpose.
    let privileged = rustix::process::geteuid().is_root();
    let mask = if privileged { 0o7777 } else { 0o1777 };
    if stat.st_mode & mask != entry.mode & mask {
        return Err(format!("its mode is {:o}, not {:o}", stat.st_mode & 0o7777, entry.mode));
    }
    let mtime = i128::from(stat.st_mtime) * 1_000_000_000 + i128::from(stat.st_mtime_nsec);
    if mtime != entry.mtime_ns {
        return Err("its modification time differs".to_owned());
    }
    if entry.kind == EntryKind::File && stat.st_size as u64 != entry.size {
        return Err(format!("its size is {}, not {}", stat.st_size, entry.size));
    }
    Ok(())
}

fn same_bytes(mut expected: impl Read, mut found: impl Read) -> io::Result<bool> {
    let (mut one, mut two) = (vec![0; 128 * 1024], vec![0; 128 * 1024]);
    loop {
        let length = expected.read(&mut one)?;
        if length == 0 {
            return Ok(found.read(&mut two[..1])? == 0);
        }
        match found.read_exact(&mut two[..length]) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
            Err(error) => return Err(error),
        }
        if one[..length] != two[..length] {
            return Ok(false);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_compared_to_the_end() {
        assert!(same_bytes(&b"abc"[..], &b"abc"[..]).unwrap());
        assert!(!same_bytes(&b"abc"[..], &b"abd"[..]).unwrap());
        assert!(!same_bytes(&b"abc"[..], &b"ab"[..]).unwrap());
        assert!(!same_bytes(&b"abc"[..], &b"abcd"[..]).unwrap());
    }
}
