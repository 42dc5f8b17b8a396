//! A private copy of a whole workspace, for machines that allow no copy-on-write view of it.

use std::collections::HashMap;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::Path;

use backstay_repository::Cancel;
use rustix::fs::SeekFrom;
use rustix::io::Errno;

use super::builder::metadata_now;
use super::layer::{LayerEntry, LayerKind};
use super::metadata::{Metadata, Rights};
use crate::error::{Result, WorkspaceError};
use crate::exclude::OWN_DIRECTORY;
use crate::fs::{Dir, FileKind, Stat, c_name, join, walk_order};

/// How many bytes are copied between two looks at whether to stop.
const COPY_BYTES: usize = 8 << 20;

/// What a copy was made of, to find out what changed in it.
#[derive(Debug)]
pub struct TreeCopy {
    made: HashMap<Vec<u8>, Made>,
}

/// By what an entry of the copy is recognized.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Made {
    kind: FileKind,
    mode: u32,
    owner: (u32, u32),
    inode: u64,
    size: u64,
    times: (i64, i64),
}

impl TreeCopy {
    /// Copies the workspace `root` without `.backstay` to the directory `to`, which is made. Everything else is copied,
    /// what snapshots leave out and `.git` too. Content is shared where the file system can, holes stay holes, no file is
    /// linked. Sockets, FIFOs, devices and other file systems are left out.
    pub fn make(root: &Path, to: &Path, cancel: &Cancel) -> Result<Self> {
        let opened = |path: &Path, errno: Errno| WorkspaceError::Path {
            operation: "open",
            path: path.display().to_string(),
            source: errno.into(),
        };
        std::fs::create_dir(to).map_err(|source| WorkspaceError::Path {
            operation: "create",
            path: to.display().to_string(),
            source,
        })?;
        let from = Dir::open_root(root).map_err(|errno| opened(root, errno))?;
        let to_dir = Dir::open_root(to).map_err(|errno| opened(to, errno))?;
        let rights = Rights::of_process();
        let root_stat = from.stat_self().map_err(|errno| opened(root, errno))?;
        let mut directories: Vec<(Vec<u8>, Metadata)> = Vec::new();
        let mut open = vec![Vec::new()];
        while let Some(path) = open.pop() {
            let failed = |errno| WorkspaceError::path("copy", &path, errno);
            let source = from.open_beneath(&path).map_err(failed)?;
            let target = to_dir.open_beneath(&path).map_err(failed)?;
            for (name, _) in source.list().map_err(failed)?.iter() {
                if path.is_empty() && name.to_bytes() == OWN_DIRECTORY.as_bytes() {
                    continue;
                }
                cancel.check()?;
                let below = join(&path, name.to_bytes());
                let failed = |errno| WorkspaceError::path("copy", &below, errno);
                let stat = source.stat(name).map_err(failed)?;
                match stat.kind {
                    FileKind::Directory => {
                        target.make_dir(name).map_err(failed)?;
                        directories.push((below.clone(), metadata_now(&from, &below, &stat)?));
                        if !stat.is_mount_point && stat.device == root_stat.device {
                            open.push(below.clone());
                        }
                    }
                    FileKind::File => {
                        let metadata = metadata_now(&from, &below, &stat)?;
                        let file = source.open_file(name).map_err(failed)?;
                        let new = target
                            .create_file(name.to_bytes(), rights.creation_mode(&metadata))
                            .map_err(failed)?;
                        copy_content(&file, &new, stat.size, cancel, &below)?;
                        rights.finish_new_file(&new, &below, &metadata).map_err(failed)?;
                    }
                    FileKind::Symlink => {
                        let link = source.read_link(name).map_err(failed)?;
                        rustix::fs::symlinkat(link, target.fd(), name).map_err(failed)?;
                        let metadata = metadata_now(&from, &below, &stat)?;
                        rights.finish_new_link(&target, name, &below, &metadata).map_err(failed)?;
                    }
                    _ => {}
                }
            }
        }
        directories.sort_by(|a, b| walk_order(&b.0, &a.0));
        for (path, metadata) in directories {
            let dir =
                to_dir.open_beneath(&path).map_err(|errno| WorkspaceError::path("copy", &path, errno))?;
            rights
                .set_on_directory(&dir, &path, &metadata, true)
                .map_err(|errno| WorkspaceError::path("copy", &path, errno))?;
        }
        Ok(Self { made: walk(&to_dir)?.into_iter().map(|(path, stat)| (path, Made::of(&stat))).collect() })
    }

    /// What is different now in the copy at `to`.
    pub fn changes(&self, to: &Path) -> Result<Vec<LayerEntry>> {
        let dir = Dir::open_root(to).map_err(|errno| WorkspaceError::Path {
            operation: "open",
            path: to.display().to_string(),
            source: errno.into(),
        })?;
        let now: HashMap<Vec<u8>, Stat> = walk(&dir)?.into_iter().collect();
        let mut entries: Vec<LayerEntry> = Vec::new();
        for (path, stat) in &now {
            if self.made.get(path) == Some(&Made::of(stat)) {
                continue;
            }
            let kind = match stat.kind {
                FileKind::Directory => LayerKind::Directory { is_opaque: false },
                FileKind::File => LayerKind::File,
                FileKind::Symlink => LayerKind::Symlink,
                _ => LayerKind::Special,
            };
            entries.push(LayerEntry { path: path.clone(), kind });
        }
        let is_gone = |path: &Vec<u8>| !now.contains_key(path);
        for path in self.made.keys().filter(|path| is_gone(path)) {
            // With its directory everything in it goes; where that became something else, this is told by the new entry.
            let parent = crate::fs::split_parent(path).0;
            let parent_is_there =
                parent.is_empty() || now.get(parent).is_some_and(|stat| stat.kind == FileKind::Directory);
            if parent_is_there {
                entries.push(LayerEntry { path: path.clone(), kind: LayerKind::Removed });
            }
        }
        entries.sort_by(|a, b| walk_order(&a.path, &b.path));
        Ok(entries)
    }
}

impl Made {
    fn of(stat: &Stat) -> Self {
        let is_directory = stat.kind == FileKind::Directory;
        Self {
            kind: stat.kind,
            mode: stat.mode,
            owner: (stat.uid, stat.gid),
            inode: stat.inode,
            size: if is_directory { 0 } else { stat.size },
            // A directory changes with everything that happens in it.
            times: if is_directory { (0, 0) } else { (stat.mtime_ns, stat.ctime_ns) },
        }
    }
}

fn walk(root: &Dir) -> Result<Vec<(Vec<u8>, Stat)>> {
    let mut found = Vec::new();
    let mut open = vec![Vec::new()];
    while let Some(path) = open.pop() {
        let failed = |errno| WorkspaceError::path("list", &path, errno);
        let dir = root.open_beneath(&path).map_err(failed)?;
        for (name, _) in dir.list().map_err(failed)?.iter() {
            let below = join(&path, name.to_bytes());
            let stat = dir.stat(&c_name(name.to_bytes()).map_err(failed)?).map_err(failed)?;
            if stat.kind == FileKind::Directory {
                open.push(below.clone());
            }
            found.push((below, stat));
        }
    }
    Ok(found)
}

/// Shares the content, or copies what is no hole.
fn copy_content(from: &OwnedFd, to: &OwnedFd, size: u64, cancel: &Cancel, path: &[u8]) -> Result<()> {
    let failed = |errno| WorkspaceError::path("copy", path, errno);
    if rustix::fs::ioctl_ficlone(to, from).is_ok() {
        return Ok(());
    }
    let mut at = 0;
    while at < size {
        let begin = match rustix::fs::seek(from, SeekFrom::Data(at)) {
            Ok(begin) => begin,
            // Nothing but a hole is left.
            Err(Errno::NXIO) => break,
            Err(Errno::INVAL) => at,
            Err(errno) => return Err(failed(errno)),
        };
        let end = rustix::fs::seek(from, SeekFrom::Hole(begin)).unwrap_or(size);
        at = begin;
        while at < end {
            cancel.check()?;
            let (mut source, mut target) = (at, at);
            let wanted = COPY_BYTES.min(usize::try_from(end - at).unwrap_or(COPY_BYTES));
            match rustix::fs::copy_file_range(from, Some(&mut source), to, Some(&mut target), wanted) {
                Ok(0) => return Ok(()),
                Ok(copied) => at += copied as u64,
                Err(Errno::INTR) => {}
                Err(Errno::XDEV | Errno::INVAL | Errno::OPNOTSUPP | Errno::NOSYS) => {
                    at += copy_through_memory(from, to, at, wanted).map_err(failed)?;
                }
                Err(errno) => return Err(failed(errno)),
            }
        }
    }
    rustix::fs::ftruncate(to, size).map_err(failed)
}

fn copy_through_memory(from: &OwnedFd, to: &OwnedFd, at: u64, wanted: usize) -> Result<u64, Errno> {
    use std::os::unix::fs::FileExt;
    let lift = |error: std::io::Error| error.raw_os_error().map_or(Errno::IO, Errno::from_raw_os_error);
    let (source, target) = (File::from(rustix::io::dup(from)?), File::from(rustix::io::dup(to)?));
    let mut buffer = vec![0; wanted.min(1 << 20)];
    let length = source.read_at(&mut buffer, at).map_err(lift)?;
    if length == 0 {
        return Err(Errno::NODATA);
    }
    target.write_all_at(&buffer[..length], at).map_err(lift)?;
    Ok(length as u64)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    use super::*;

    #[test]
    fn a_copy_is_the_same_and_tells_what_changed_in_it() {
        let place = tempfile::tempdir().unwrap();
        let (root, copy) = (place.path().join("root"), place.path().join("copy"));
        fs::create_dir_all(root.join("a/b")).unwrap();
        fs::create_dir_all(root.join(".backstay")).unwrap();
        fs::create_dir_all(root.join(".git")).unwrap();
        fs::write(root.join(".git/HEAD"), "x").unwrap();
        fs::write(root.join("a/b/file"), "1").unwrap();
        fs::write(root.join("a/tool"), "1").unwrap();
        fs::set_permissions(root.join("a/tool"), fs::Permissions::from_mode(0o755)).unwrap();
        fs::hard_link(root.join("a/tool"), root.join("a/other-name")).unwrap();
        symlink("nowhere", root.join("link")).unwrap();
        let holes = File::create(root.join("holes")).unwrap();
        holes.set_len(64 << 20).unwrap();
        let made = TreeCopy::make(&root, &copy, &Cancel::new()).unwrap();
        assert!(!copy.join(".backstay").exists() && copy.join(".git/HEAD").exists());
        assert_eq!(fs::metadata(copy.join("a/tool")).unwrap().mode() & 0o777, 0o755);
        assert_eq!(fs::metadata(copy.join("a/tool")).unwrap().nlink(), 1);
        let holes = fs::metadata(copy.join("holes")).unwrap();
        assert_eq!(holes.len(), 64 << 20);
        assert!(holes.blocks() < 1024, "{} blocks", holes.blocks());
        assert!(made.changes(&copy).unwrap().is_empty());

        fs::remove_dir_all(copy.join("a/b")).unwrap();
        fs::write(copy.join("new"), "1").unwrap();
        fs::remove_file(copy.join("link")).unwrap();
        fs::create_dir(copy.join("link")).unwrap();
        fs::set_permissions(copy.join("a/tool"), fs::Permissions::from_mode(0o700)).unwrap();
        let changes = made.changes(&copy).unwrap();
        let told: Vec<(&[u8], LayerKind)> =
            changes.iter().map(|entry| (entry.path.as_slice(), entry.kind)).collect();
        assert_eq!(
            told,
            [
                (&b"a/b"[..], LayerKind::Removed),
                (b"a/tool", LayerKind::File),
                (b"link", LayerKind::Directory { is_opaque: false }),
                (b"new", LayerKind::File),
            ]
        );
    }
}
