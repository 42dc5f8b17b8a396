//! Restores into a scratch directory and compares with the snapshot, entry by entry and byte by byte.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use backstay_catalog::SnapshotRow;
use backstay_model::{Caller, ErrorKind, OperationId, Rng};
use backstay_repository::{Cancel, Progress};
use backstay_source_workspace::{self as workspace, Selection, Steps};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, openat, readlinkat, statat};

use super::diff_snapshot::context_of;
use super::read_content::{Subtree, SubtreeItem};
use super::stored::Stored;
use crate::error::{Result, ServiceError};
use crate::run::Run;
use crate::service::{Service, blocking};
use crate::view::{Entry, EntryKind, RestoreTest};

/// The most differences that are reported.
const MAX_DIFFERENCES: usize = 1000;

impl Service {
    /// Restores a snapshot into a private directory among the temporary files of this machine and compares it with what the
    /// snapshot holds. A difference is no error: the result tells of it.
    pub(super) async fn test_restore(
        &self,
        caller: &Caller,
        row: &SnapshotRow,
        run: &Run,
    ) -> Result<RestoreTest> {
        let stored = Stored::of(row, self.lazy_repository())?;
        let subtree = self.open_subtree(caller, &row.id, b"", &[]).await?;
        let operation = OperationId::generate(self.now(), &**self.rng());
        let (context, rng) = (context_of(run), Arc::clone(self.rng()));
        let differences = blocking("test the restore", move || {
            let scratch = Scratch::create(&*rng)?;
            let opened = stored.open()?;
            let report = workspace::restore_to(
                scratch.path(),
                &opened.manifest,
                &opened.reader,
                &Selection::all(),
                &operation,
                &context,
                &Steps::unlimited(),
            )?;
            let (mut differences, noted) =
                compare(subtree, scratch.path(), &*context.progress, &context.cancel)?;
            let lost = report.not_restored.iter().filter(|lost| !noted.contains(&lost.path));
            differences
                .extend(lost.map(|lost| format!("{}: {}", String::from_utf8_lossy(&lost.path), lost.reason)));
            Ok(differences)
        })
        .await?;
        Ok(RestoreTest { snapshot: row.id.clone(), identical: differences.is_empty(), differences })
    }
}

/// A private directory among the temporary files, removed when dropped.
#[derive(Debug)]
struct Scratch(PathBuf);

impl Scratch {
    /// Creates the directory.
    fn create(rng: &dyn Rng) -> Result<Self> {
        use std::os::unix::fs::DirBuilderExt;
        let name = format!("backstay-restore-test-{}", backstay_model::id::random_suffix(rng, 16));
        let path = std::env::temp_dir().join(name);
        std::fs::DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .map_err(|error| failed("create", &path, error))?;
        Ok(Self(path))
    }

    /// Where it is.
    fn path(&self) -> &Path {
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

/// What differs between the snapshot and the directory at `root`, one sentence each; and the paths that the snapshot only notes, so
/// that they are nowhere else.
fn compare(
    subtree: Subtree,
    root: &Path,
    progress: &dyn Progress,
    cancel: &Cancel,
) -> Result<(Vec<String>, HashSet<Vec<u8>>)> {
    let root = rustix::fs::open(root, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
        .map_err(|errno| failed("read", root, errno.into()))?;
    let mut place = Place { root, parent: Vec::new(), directory: None };
    let (mut differences, mut noted) = (Vec::new(), HashSet::new());
    for item in subtree {
        cancel.check()?;
        let item = item?;
        progress.current(&item.entry.path);
        let (path, size) = (item.entry.path.clone(), item.entry.size);
        if is_only_noted(item.entry.kind) {
            noted.insert(path);
            continue;
        }
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
    Ok((differences, noted))
}

/// Whether a snapshot holds nothing of such an entry but that it was there.
const fn is_only_noted(kind: EntryKind) -> bool {
    matches!(kind, EntryKind::Fifo | EntryKind::Socket | EntryKind::Device | EntryKind::Unreadable)
}

fn failed(operation: &str, path: &Path, error: io::Error) -> ServiceError {
    let kind = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ErrorKind::StorageFull,
        _ => ErrorKind::Internal,
    };
    ServiceError::new(kind, format!("Cannot {operation} {}", path.display())).because(error)
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
