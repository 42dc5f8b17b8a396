//! Where migrations and checks run: a private copy of the workspace, or the workspace itself.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, lchown};
use std::path::{Component, Path, PathBuf};

use backstay_process::{Overlay, Supervisor, UpperKind, View, changes_of, supports_overlay};
use backstay_repository::Cancel;
use backstay_source_workspace::{LayerEntry, LayerKind, TreeCopy};
use rustix::fs::{CWD, FileType, Mode, XattrFlags};

use crate::error::Result;
use crate::open::cannot;

/// The attribute of a directory through which nothing of the workspace shows.
const OPAQUE: &str = "user.overlay.opaque";

/// How many links a working directory may lead through.
const MOST_LINKS: usize = 40;

/// Where commands run.
#[derive(Debug)]
pub(super) struct Site {
    workspace: PathBuf,
    /// Where what differs is: the upper directory, the copy, or the workspace.
    entries: PathBuf,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// A copy-on-write view at the workspace's own path, with a directory for the kernel.
    View { work: PathBuf },
    /// A copy beside the workspace.
    Copy(TreeCopy),
    /// The workspace.
    InPlace,
}

/// What keeps commands apart from the workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Isolation {
    /// They see a view at its path.
    View,
    /// They are told of a copy, and can reach the workspace by its path.
    Copy,
    /// Nothing.
    InPlace,
}

impl Site {
    /// A private copy: a view where the machine allows it, else a copy. `scratch` is on the file system of the workspace.
    pub(super) fn private(
        workspace: &Path,
        scratch: &Path,
        supervisor: &Supervisor,
        cancel: &Cancel,
    ) -> Result<Self> {
        if supports_overlay(supervisor, &scratch.join("probe"))? {
            let entries = scratch.join("upper");
            make_like(&entries, workspace).map_err(|error| cannot("create", &entries, error))?;
            let kind = Kind::View { work: scratch.join("work") };
            return Ok(Self { workspace: workspace.to_owned(), entries, kind });
        }
        let entries = scratch.join("copy");
        let kind = Kind::Copy(TreeCopy::make(workspace, &entries, cancel)?);
        Ok(Self { workspace: workspace.to_owned(), entries, kind })
    }

    /// The workspace itself.
    pub(super) fn in_place(workspace: &Path) -> Self {
        Self { workspace: workspace.to_owned(), entries: workspace.to_owned(), kind: Kind::InPlace }
    }

    pub(super) const fn isolation(&self) -> Isolation {
        match self.kind {
            Kind::View { .. } => Isolation::View,
            Kind::Copy(_) => Isolation::Copy,
            Kind::InPlace => Isolation::InPlace,
        }
    }

    /// The root as commands see it.
    pub(super) fn root(&self) -> &Path {
        if matches!(self.kind, Kind::Copy(_)) { &self.entries } else { &self.workspace }
    }

    /// Where the entries are that differ from the workspace.
    pub(super) fn entries(&self) -> &Path {
        &self.entries
    }

    /// What commands see.
    pub(super) fn view(&self) -> View {
        let Kind::View { work } = &self.kind else { return View::Host };
        View::Overlay(Overlay {
            lower: self.workspace.clone(),
            upper: self.entries.clone(),
            work: work.clone(),
            at: self.workspace.clone(),
            hidden: vec![PathBuf::from(".backstay")],
        })
    }

    /// The name in the scratch directory under which the entries are.
    pub(super) fn directory(&self) -> &'static [u8] {
        if matches!(self.kind, Kind::Copy(_)) { b"copy" } else { b"upper" }
    }

    /// Whether a command would find something at `path`.
    pub(super) fn has(&self, path: &Path) -> bool {
        match fs::symlink_metadata(self.entries.join(path)) {
            Ok(found) => !is_whiteout(&found),
            Err(_) => self.shows_through() && fs::symlink_metadata(self.workspace.join(path)).is_ok(),
        }
    }

    /// Whether a command finds what is in the workspace and not in the entries.
    const fn shows_through(&self) -> bool {
        matches!(self.kind, Kind::View { .. })
    }

    /// Whether `path`, relative to the root, leads out of it through a link that a command would find.
    pub(super) fn leads_out(&self, path: &Path) -> bool {
        let mut open = parts_of(path);
        let (mut at, mut links) = (PathBuf::new(), 0);
        while let Some(part) = open.pop() {
            if part == ".." {
                if !at.pop() {
                    return true;
                }
                continue;
            }
            at.push(&part);
            let Some(target) = self.read_link(&at) else { continue };
            links += 1;
            if links > MOST_LINKS {
                return true;
            }
            at.pop();
            if target.is_absolute() {
                let Ok(inside) = target.strip_prefix(self.root()) else { return true };
                at = PathBuf::new();
                open.extend(parts_of(inside));
            } else {
                open.extend(parts_of(&target));
            }
        }
        false
    }

    /// Where the link at `path` leads, if a command would find one there.
    fn read_link(&self, path: &Path) -> Option<PathBuf> {
        let entry = self.entries.join(path);
        match fs::symlink_metadata(&entry) {
            Ok(found) if found.is_symlink() => fs::read_link(entry).ok(),
            Err(_) if self.shows_through() => fs::read_link(self.workspace.join(path)).ok(),
            Ok(_) | Err(_) => None,
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
            if self.shows_through() && fs::symlink_metadata(self.workspace.join(path)).is_ok() {
                rustix::fs::mknodat(CWD, &at, FileType::CharacterDevice, Mode::empty(), 0)?;
            }
            Ok(())
        };
        removed().map_err(|error| cannot("remove", &at, error))
    }

    /// What differs from the workspace; nothing in place.
    pub(super) fn changes(&self) -> Result<Vec<LayerEntry>> {
        match &self.kind {
            Kind::Copy(copied) => return Ok(copied.changes(&self.entries)?),
            Kind::InPlace => return Ok(Vec::new()),
            Kind::View { .. } => {}
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

/// The parts of a path, the first of them last.
fn parts_of(path: &Path) -> Vec<OsString> {
    let parts = path.components().filter_map(|part| match part {
        Component::Normal(part) => Some(part.to_owned()),
        Component::ParentDir => Some("..".into()),
        _ => None,
    });
    parts.collect::<Vec<_>>().into_iter().rev().collect()
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

pub(super) fn xattr_names(path: &Path) -> io::Result<Vec<Vec<u8>>> {
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

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_working_directory_is_followed_through_links_and_must_stay_inside() {
        let place = tempfile::tempdir().unwrap();
        let root = place.path().join("root");
        fs::create_dir_all(root.join("a/b")).unwrap();
        for (target, link) in [
            ("..", "up"),
            ("../..", "a/up"),
            ("b", "a/in"),
            ("/etc", "etc"),
            ("loop", "loop"),
            ("up/root/a", "round"),
        ] {
            symlink(target, root.join(link)).unwrap();
        }
        symlink(root.join("a"), root.join("absolute")).unwrap();
        let site = Site::in_place(&root);
        for inside in ["", "a/b", "a/in", "absolute/b", "not/there"] {
            assert!(!site.leads_out(Path::new(inside)), "{inside}");
        }
        for outside in ["up", "a/up", "etc", "loop", "round", "absolute/up/x"] {
            assert!(site.leads_out(Path::new(outside)), "{outside}");
        }
    }
}
