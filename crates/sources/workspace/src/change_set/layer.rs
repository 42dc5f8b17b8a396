//! Taking over what commands changed in a private copy of the workspace.

use std::collections::HashSet;

use rustix::io::Errno;

use super::builder::{ChangeSet, PathChangeKind, metadata_now};
use super::metadata::Metadata;
use super::operations::Hashes;
use super::seen::Seen;
use crate::error::{Result, WorkspaceError};
use crate::fs::{FileKind, Stat, c_name, display, join, split_parent};

/// Attributes by which overlayfs describes its own directories.
const OVERLAY_ATTRIBUTES: &[u8] = b"user.overlay.";

/// What differs, or may differ, between the workspace and a private copy of it.
pub struct Layer<'a> {
    /// The directory in the stage that holds the new entries at their paths.
    pub directory: &'a [u8],
    /// The entries, a directory before what is in it.
    pub entries: &'a [LayerEntry],
    /// In which state the workspace had a path when the copy was made; `None` when that is not known.
    pub seen: &'a dyn Fn(&[u8]) -> Result<Option<Seen>>,
    /// A path of which that is not known was edited by someone else if it changed after this time of the file system.
    pub made_at_ns: i64,
}

/// A path of a [`Layer`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerEntry {
    /// The path, relative to the root.
    pub path: Vec<u8>,
    /// What is there.
    pub kind: LayerKind,
}

/// What a layer has at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LayerKind {
    /// Nothing any more.
    Removed,
    /// A directory.
    Directory {
        /// Whether what is not listed in it was removed.
        is_opaque: bool,
    },
    /// A file, complete.
    File,
    /// A link.
    Symlink,
    /// Something that a snapshot does not capture.
    Special,
}

impl ChangeSet {
    /// Takes over what differs. Content moves to its place without being copied. A path that someone else edited since
    /// the copy was made becomes a conflict of the commit. Returns the special entries, which are left behind.
    pub fn take_layer(&mut self, layer: &Layer<'_>) -> Result<Vec<Vec<u8>>> {
        let mut left = Vec::new();
        let listed: HashSet<&[u8]> = layer.entries.iter().map(|entry| entry.path.as_slice()).collect();
        for entry in layer.entries {
            let path = entry.path.as_slice();
            let found = self.target.stat(path)?;
            match entry.kind {
                LayerKind::Special => left.push(path.to_vec()),
                LayerKind::Removed => self.remove_all(layer, path, found.as_ref())?,
                LayerKind::File | LayerKind::Symlink => self.take_entry(layer, entry, found)?,
                LayerKind::Directory { is_opaque } => {
                    self.take_directory(layer, path, found)?;
                    let was_directory = found.is_some_and(|stat| stat.kind == FileKind::Directory);
                    if is_opaque && was_directory {
                        self.remove_unlisted(layer, path, &listed)?;
                    }
                }
            }
        }
        Ok(left)
    }

    fn take_entry(&mut self, layer: &Layer<'_>, entry: &LayerEntry, found: Option<Stat>) -> Result<()> {
        let path = entry.path.as_slice();
        let staged = join(layer.directory, path);
        let failed = |errno| WorkspaceError::path("read", path, errno);
        let (dir, name) = self.stage()?.dir.open_parent(&staged).map_err(failed)?;
        let name = c_name(name).map_err(failed)?;
        let new = dir.stat(&name).map_err(failed)?;
        match found {
            Some(old) if old.kind == FileKind::Directory => {
                self.remove_all(layer, path, Some(&old))?;
                if entry.kind == LayerKind::File {
                    strip(&dir, &name, path)?;
                }
                self.place_over(path, staged, None)?;
                // It was counted as removed and added; it is one change.
                self.changes.retain(|change| change.path != path || change.kind != PathChangeKind::Deleted);
                if let Some(change) = self.changes.last_mut() {
                    change.kind = PathChangeKind::Modified;
                }
                Ok(())
            }
            Some(old) if old.kind == new.kind && new.kind == FileKind::Symlink => {
                let (at, _) = self.target.root.open_parent(path).map_err(failed)?;
                let same = at.read_link(&name).map_err(failed)? == dir.read_link(&name).map_err(failed)?;
                if same && (old.uid, old.gid, old.mtime_ns) == (new.uid, new.gid, new.mtime_ns) {
                    return Ok(());
                }
                self.check(layer, path, Some(&old))?;
                self.place_over(path, staged, Some(old))
            }
            Some(old) if old.kind == new.kind => {
                let wanted = own_attributes_removed(metadata_now(&self.stage()?.dir, &staged, &new)?);
                let same_content = old.size == new.size && {
                    let hashes = Hashes {
                        before: self.hash_before(path, Some(&old))?,
                        after: super::apply::hash_of(&dir, name.to_bytes()).map_err(failed)?,
                    };
                    hashes.before == hashes.after
                };
                if !same_content {
                    self.check(layer, path, Some(&old))?;
                    strip(&dir, &name, path)?;
                    return self.place_over(path, staged, Some(old));
                }
                if metadata_now(&self.target.root, path, &old)? != wanted {
                    self.check(layer, path, Some(&old))?;
                    self.set_metadata(path, &old, wanted);
                }
                Ok(())
            }
            found => {
                self.check(layer, path, found.as_ref())?;
                if entry.kind == LayerKind::File {
                    strip(&dir, &name, path)?;
                }
                self.place_over(path, staged, found)
            }
        }
    }

    fn take_directory(&mut self, layer: &Layer<'_>, path: &[u8], found: Option<Stat>) -> Result<()> {
        let staged = join(layer.directory, path);
        let stage = &self.stage()?.dir;
        let failed = |errno| WorkspaceError::path("read", path, errno);
        let new = stage.stat_beneath(&staged).map_err(failed)?.ok_or_else(|| failed(Errno::NOENT))?;
        let wanted = own_attributes_removed(metadata_now(stage, &staged, &new)?);
        match found {
            Some(old) if old.kind == FileKind::Directory => {
                let present = metadata_now(&self.target.root, path, &old)?;
                // What happens inside changes its time.
                if (Metadata { mtime_ns: wanted.mtime_ns, ..present }) != wanted {
                    self.check(layer, path, Some(&old))?;
                    self.set_metadata(path, &old, wanted);
                }
            }
            found => {
                self.check(layer, path, found.as_ref())?;
                if let Some(old) = found {
                    self.remove_found(path, &old);
                    self.changes.pop();
                }
                self.add_directory(path, wanted);
                if let (Some(_), Some(change)) = (found, self.changes.last_mut()) {
                    change.kind = PathChangeKind::Modified;
                }
            }
        }
        Ok(())
    }

    /// Removes what is at `path`, with what is below it.
    fn remove_all(&mut self, layer: &Layer<'_>, path: &[u8], found: Option<&Stat>) -> Result<()> {
        self.check(layer, path, found)?;
        let Some(found) = found else { return Ok(()) };
        self.remove_found(path, found);
        if found.kind == FileKind::Directory {
            for (below, stat) in self.target.below(path)? {
                self.check(layer, &below, Some(&stat))?;
                self.remove_found(&below, &stat);
            }
        }
        Ok(())
    }

    /// Removes what the workspace has in the directory `path` and an opaque directory of the layer has not.
    fn remove_unlisted(&mut self, layer: &Layer<'_>, path: &[u8], listed: &HashSet<&[u8]>) -> Result<()> {
        for (below, stat) in self.target.below(path)? {
            let parent = split_parent(&below).0;
            let parent_stays = parent == path || listed.contains(parent);
            if listed.contains(below.as_slice()) || !parent_stays {
                continue;
            }
            self.remove_all(layer, &below, Some(&stat))?;
        }
        Ok(())
    }

    /// Notes a conflict when someone changed `path` since the copy was made.
    fn check(&mut self, layer: &Layer<'_>, path: &[u8], found: Option<&Stat>) -> Result<()> {
        let is_as_seen = match ((layer.seen)(path)?, found) {
            (Some(Seen(Some(before))), Some(stat)) => before.is_untouched(stat),
            (Some(Seen(None)), found) => found.is_none(),
            (Some(Seen(Some(_))), None) => false,
            (None, Some(stat)) => stat.kind == FileKind::Directory || stat.ctime_ns < layer.made_at_ns,
            (None, None) => true,
        };
        if !is_as_seen {
            self.conflicts.push(display(path));
        }
        Ok(())
    }
}

fn own_attributes_removed(mut metadata: Metadata) -> Metadata {
    metadata.xattrs.retain(|(name, _)| !name.starts_with(OVERLAY_ATTRIBUTES));
    metadata
}

/// Removes what overlayfs noted on a file.
fn strip(dir: &crate::fs::Dir, name: &std::ffi::CStr, path: &[u8]) -> Result<()> {
    let failed = |errno| WorkspaceError::path("read the attributes of", path, errno);
    let file = match dir.open_file(name) {
        Ok(file) => file,
        // Its owner may not read it, so it was not copied up but created, without such attributes.
        Err(Errno::ACCESS) => return Ok(()),
        Err(errno) => return Err(failed(errno)),
    };
    let found =
        crate::fs::read_xattrs_of_file(&file, &mut Vec::new()).map_err(|error| failed(error.errno))?;
    for (name, _) in found.iter().filter(|(name, _)| name.starts_with(OVERLAY_ATTRIBUTES)) {
        rustix::fs::fremovexattr(&file, name.as_slice()).map_err(failed)?;
    }
    Ok(())
}
