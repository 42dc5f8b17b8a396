//! Keeps the tree in which a command failed, as a snapshot.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use backstay_catalog::{OperationRow, SourceRow};
use backstay_model::{Caller, SnapshotId, Trigger};
use backstay_repository::Cancel;
use backstay_source_workspace::{LayerEntry, LayerKind, TreeCopy};

use super::site::{Isolation, Site, xattr_names};
use crate::error::Result;
use crate::open::cannot;
use crate::run::Run;
use crate::service::Service;
use crate::snapshots::CaptureOf;
use crate::view::NewSnapshot;

impl Service {
    /// Captures a tree of the workspace, or a copy of it, as an undo point of an operation.
    pub(super) async fn keep_tree(
        &self,
        caller: &Caller,
        source: &SourceRow,
        row: &OperationRow,
        tree: PathBuf,
        what: &str,
        run: &Run,
    ) -> Result<SnapshotId> {
        let of = CaptureOf { operation: Some(row.id.clone()), ..self.capture_here(Trigger::Safety) };
        let new = NewSnapshot {
            label: format!("{what}, upgrade {}", row.id),
            allow_unreadable: true,
            ..NewSnapshot::default()
        };
        let begun = self.begin_capture(caller, source, &of, &new).await?;
        Ok(self.complete_capture_of(caller, source, tree, &begun, &new, run).await?.id)
    }
}

impl Site {
    /// Makes a whole tree at `to` of what the commands left, or tells where one is. The site is of no use afterwards.
    pub(super) fn into_tree(self, to: &Path) -> Result<PathBuf> {
        match self.isolation() {
            Isolation::InPlace => return Ok(self.root().to_owned()),
            Isolation::Copy => {
                fs::rename(self.root(), to).map_err(|error| cannot("keep", to, error))?;
            }
            Isolation::View => {
                let entries = self.changes()?;
                TreeCopy::make(self.root(), to, &Cancel::new())?;
                take_over(&entries, self.entries(), to).map_err(|error| cannot("keep", to, error))?;
            }
        }
        Ok(to.to_owned())
    }
}

/// Makes of the tree at `to` what the entries, which lie below `from`, say. A directory comes before what is in it.
fn take_over(entries: &[LayerEntry], from: &Path, to: &Path) -> io::Result<()> {
    let mut directories = Vec::new();
    for entry in entries {
        let path = Path::new(std::ffi::OsStr::from_bytes(&entry.path));
        if path.starts_with(backstay_source_workspace::OWN_DIRECTORY) {
            continue;
        }
        let (source, target) = (from.join(path), to.join(path));
        match entry.kind {
            LayerKind::Removed => remove(&target)?,
            LayerKind::Directory { is_opaque } => {
                if is_opaque || !target.symlink_metadata().is_ok_and(|found| found.is_dir()) {
                    remove(&target)?;
                    fs::create_dir(&target)?;
                }
                directories.push((source.symlink_metadata()?.permissions(), target));
            }
            LayerKind::File | LayerKind::Symlink | LayerKind::Special => {
                remove(&target)?;
                fs::rename(&source, &target)?;
                if entry.kind == LayerKind::File {
                    strip(&target)?;
                }
            }
        }
    }
    for (permissions, directory) in directories.into_iter().rev() {
        fs::set_permissions(directory, permissions)?;
    }
    Ok(())
}

fn remove(path: &Path) -> io::Result<()> {
    match path.symlink_metadata() {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Removes what overlayfs noted on a file.
fn strip(path: &Path) -> io::Result<()> {
    for name in xattr_names(path)?.iter().filter(|name| name.starts_with(b"user.overlay.")) {
        rustix::fs::lremovexattr(path, name.as_slice())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_of_a_layer_replace_what_was_there() {
        let place = tempfile::tempdir().unwrap();
        let (from, to) = (place.path().join("from"), place.path().join("to"));
        for directory in
            [from.join("opaque"), from.join("kept"), to.join("opaque/old"), to.join("kept"), to.join("was")]
        {
            fs::create_dir_all(directory).unwrap();
        }
        fs::write(to.join("kept/stays"), "1").unwrap();
        fs::write(to.join("gone"), "1").unwrap();
        fs::write(from.join("opaque/new"), "2").unwrap();
        fs::write(from.join("was"), "2").unwrap();
        let entry = |path: &str, kind| LayerEntry { path: path.into(), kind };
        let entries = [
            entry("gone", LayerKind::Removed),
            entry("kept", LayerKind::Directory { is_opaque: false }),
            entry("opaque", LayerKind::Directory { is_opaque: true }),
            entry("opaque/new", LayerKind::File),
            entry("was", LayerKind::File),
        ];
        take_over(&entries, &from, &to).unwrap();
        assert!(!to.join("gone").exists() && !to.join("opaque/old").exists());
        assert_eq!(fs::read(to.join("kept/stays")).unwrap(), b"1");
        assert_eq!(fs::read(to.join("opaque/new")).unwrap(), b"2");
        assert_eq!(fs::read(to.join("was")).unwrap(), b"2");
    }
}
