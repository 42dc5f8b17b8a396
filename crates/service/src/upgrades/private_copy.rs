//! The private copy of the workspace in which migrations and checks run.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, lchown};
use std::path::{Path, PathBuf};

use backstay_process::{Overlay, Supervisor, UpperKind, View, changes_of, supports_overlay};
use backstay_repository::Cancel;
use backstay_source_workspace::{LayerEntry, LayerKind, TreeCopy};
use rustix::fs::{CWD, FileType, Mode, XattrFlags};

use crate::error::Result;
use crate::open::cannot;

/// The attribute of a directory through which nothing of the workspace shows.
const OPAQUE: &str = "user.overlay.opaque";

/// A private copy of the workspace: a copy-on-write view at the workspace's own path where the machine allows that, else
/// a copy beside it.
#[derive(Debug)]
pub(super) struct PrivateCopy {
    workspace: PathBuf,
    /// Where what differs is: the upper directory, or the copy.
    entries: PathBuf,
    work: PathBuf,
    /// `None` for a view.
    copied: Option<TreeCopy>,
}

impl PrivateCopy {
    /// Makes it in `scratch`, a directory on the file system of the workspace.
    pub(super) fn make(
        workspace: &Path,
        scratch: &Path,
        supervisor: &Supervisor,
        cancel: &Cancel,
    ) -> Result<Self> {
        let work = scratch.join("work");
        if supports_overlay(supervisor, &scratch.join("probe"))? {
            let entries = scratch.join("upper");
            make_like(&entries, workspace).map_err(|error| cannot("create", &entries, error))?;
            return Ok(Self { workspace: workspace.to_owned(), entries, work, copied: None });
        }
        let entries = scratch.join("copy");
        let copied = TreeCopy::make(workspace, &entries, cancel)?;
        Ok(Self { workspace: workspace.to_owned(), entries, work, copied: Some(copied) })
    }

    /// The root as commands see it.
    pub(super) fn root(&self) -> &Path {
        if self.copied.is_some() { &self.entries } else { &self.workspace }
    }

    /// What commands see.
    pub(super) fn view(&self) -> View {
        if self.copied.is_some() {
            return View::Host;
        }
        View::Overlay(Overlay {
            lower: self.workspace.clone(),
            upper: self.entries.clone(),
            work: self.work.clone(),
            at: self.workspace.clone(),
            hidden: vec![PathBuf::from(".backstay")],
        })
    }

    /// The name in the scratch directory under which the entries are.
    pub(super) fn directory(&self) -> &'static [u8] {
        if self.copied.is_some() { b"copy" } else { b"upper" }
    }

    /// Whether a command would find something at `path`.
    pub(super) fn has(&self, path: &Path) -> bool {
        match fs::symlink_metadata(self.entries.join(path)) {
            Ok(found) => !is_whiteout(&found),
            Err(_) if self.copied.is_some() => false,
            Err(_) => fs::symlink_metadata(self.workspace.join(path)).is_ok(),
        }
    }

    /// The text at `path`, if a command changed it.
    pub(super) fn changed_text(&self, path: &str) -> Option<String> {
        let path = self.entries.join(path);
        let found = fs::symlink_metadata(&path).ok()?;
        if found.is_file() { fs::read_to_string(path).ok() } else { None }
    }

    /// Moves what was prepared at `from` to `path`.
    pub(super) fn put(&self, path: &Path, from: &Path) -> Result<()> {
        let to = self.entries.join(path);
        self.make_room(path)
            .and_then(|()| fs::rename(from, &to))
            .map_err(|error| cannot("create", &to, error))
    }

    /// Creates or replaces the file at `path`.
    pub(super) fn write(&self, path: &Path, content: &[u8]) -> Result<()> {
        let to = self.entries.join(path);
        self.make_room(path)
            .and_then(|()| fs::write(&to, content))
            .map_err(|error| cannot("write", &to, error))
    }

    /// Removes what is at `path`, with all that is in it.
    pub(super) fn remove(&self, path: &Path) -> Result<()> {
        let at = self.entries.join(path);
        let removed = || -> io::Result<()> {
            self.make_room(path)?;
            if self.copied.is_none() && fs::symlink_metadata(self.workspace.join(path)).is_ok() {
                rustix::fs::mknodat(CWD, &at, FileType::CharacterDevice, Mode::empty(), 0)?;
            }
            Ok(())
        };
        removed().map_err(|error| cannot("remove", &at, error))
    }

    /// What differs from the workspace.
    pub(super) fn changes(&self) -> Result<Vec<LayerEntry>> {
        if let Some(copied) = &self.copied {
            return Ok(copied.changes(&self.entries)?);
        }
        let found = changes_of(&self.entries).map_err(|error| cannot("list", &self.entries, error))?;
        let entry = |entry: backstay_process::UpperEntry| LayerEntry {
            path: entry.path.as_os_str().as_bytes().to_vec(),
            kind: match entry.kind {
                UpperKind::Removed => LayerKind::Removed,
                UpperKind::Directory { opaque } => LayerKind::Directory { is_opaque: opaque },
                UpperKind::File => LayerKind::File,
                UpperKind::Symlink => LayerKind::Symlink,
                UpperKind::Other => LayerKind::Special,
            },
        };
        Ok(found.into_iter().map(entry).collect())
    }

    /// Makes the directories above `path` and removes what stands there.
    fn make_room(&self, path: &Path) -> io::Result<()> {
        let mut at = PathBuf::new();
        for part in path.parent().into_iter().flatten() {
            at.push(part);
            let entry = self.entries.join(&at);
            match fs::symlink_metadata(&entry) {
                Ok(found) if found.is_dir() => {}
                Ok(found) => {
                    fs::remove_file(&entry)?;
                    fs::create_dir(&entry)?;
                    if is_whiteout(&found) {
                        rustix::fs::lsetxattr(&entry, OPAQUE, b"y", XattrFlags::empty())?;
                    }
                }
                Err(_) => make_like(&entry, &self.workspace.join(&at))?,
            }
        }
        let entry = self.entries.join(path);
        match fs::symlink_metadata(&entry) {
            Ok(found) if found.is_dir() => fs::remove_dir_all(entry),
            Ok(_) => fs::remove_file(entry),
            Err(_) => Ok(()),
        }
    }
}

fn is_whiteout(found: &fs::Metadata) -> bool {
    use std::os::unix::fs::FileTypeExt;
    found.file_type().is_char_device() && found.rdev() == 0
}

/// Makes a directory that looks like `model`, where that is one.
fn make_like(directory: &Path, model: &Path) -> io::Result<()> {
    fs::create_dir(directory)?;
    let Ok(found) = fs::symlink_metadata(model) else { return Ok(()) };
    if !found.is_dir() {
        return Ok(());
    }
    let made = fs::symlink_metadata(directory)?;
    if (made.uid(), made.gid()) != (found.uid(), found.gid()) {
        chown(directory, Some(found.uid()), Some(found.gid()))
            .or_else(|_| lchown(directory, None, Some(found.gid())))
            .or_else(
                |error| if error.kind() == io::ErrorKind::PermissionDenied { Ok(()) } else { Err(error) },
            )?;
    }
    fs::set_permissions(directory, fs::Permissions::from_mode(found.mode() & 0o7777))?;
    for name in xattr_names(model)? {
        let mut value = vec![0; 64 << 10];
        let length = rustix::fs::lgetxattr(model, name.as_slice(), &mut value[..])?;
        rustix::fs::lsetxattr(directory, name.as_slice(), &value[..length], XattrFlags::empty())?;
    }
    Ok(())
}

fn xattr_names(path: &Path) -> io::Result<Vec<Vec<u8>>> {
    let mut names = vec![0; 64 << 10];
    match rustix::fs::llistxattr(path, &mut names[..]) {
        Ok(length) => {
            let listed = names[..length].split(|byte| *byte == 0).filter(|name| !name.is_empty());
            Ok(listed.map(<[u8]>::to_vec).collect())
        }
        Err(rustix::io::Errno::OPNOTSUPP) => Ok(Vec::new()),
        Err(errno) => Err(errno.into()),
    }
}
