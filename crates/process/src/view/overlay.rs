//! A copy-on-write view of a directory.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown};
use std::path::{Component, Path, PathBuf};

use crate::channel::{Bytes, Mounted};
use crate::error::ProcessError;

/// A copy-on-write view of a directory, mounted with overlayfs in the command's own mount namespace.
///
/// Several commands in turn may use the same `upper`: each sees what the ones before it did. One at a time.
///
/// What differs from the directory itself, while a command sees it this way:
/// * a directory that is in `lower` cannot be renamed (`EXDEV`; `mv` then copies, `rename(2)` alone fails). The mount
///   could record the rename in an attribute, but then `upper` would be no plain set of changes;
/// * writing through one name of a hard-linked file separates it from the other names;
/// * file systems mounted below `lower` are empty directories;
/// * in a user namespace, files of other owners cannot be changed, even where their mode permits it;
/// * an `fsync` does nothing ("volatile"): `upper` is worth something only when its reader makes it durable. That is
///   also why `work` is made afresh for every command, and why unmounting does not write the whole file system out.
///
/// `lower` should not change meanwhile; what a command sees of such changes is undefined, though nothing is damaged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overlay {
    /// What shows through. An absolute path.
    pub lower: PathBuf,
    /// Where changes go: created, with mode and owner of `lower`, when it is not there. It may lie inside `lower`,
    /// below one of the `hidden` directories.
    pub upper: PathBuf,
    /// A directory for the kernel on the file system of `upper`. **Whatever it contains is removed.**
    pub work: PathBuf,
    /// Where the view appears: as a rule, `lower` itself.
    pub at: PathBuf,
    /// Directories below `at`, named relatively, that the command sees empty and cannot write to. Those that do not
    /// exist are ignored.
    pub hidden: Vec<PathBuf>,
}

impl Overlay {
    /// Checks the paths, and makes `upper` and an empty `work`.
    pub(crate) fn prepare(&self) -> Result<Mounted, ProcessError> {
        let refuse = |reason: String| ProcessError::Overlay { reason };
        for path in [&self.lower, &self.upper, &self.work, &self.at] {
            if !path.is_absolute() {
                return Err(refuse(format!("{} is not an absolute path", path.display())));
            }
        }
        for hidden in &self.hidden {
            let mut parts = hidden.components();
            if hidden.as_os_str().is_empty() || !parts.all(|part| matches!(part, Component::Normal(_))) {
                return Err(refuse(format!("{} does not lie below it", hidden.display())));
            }
        }
        let lower = fs::symlink_metadata(&self.lower)
            .map_err(|error| refuse(format!("{}: {error}", self.lower.display())))?;
        if !lower.is_dir() {
            return Err(refuse(format!("{} is no directory", self.lower.display())));
        }
        make_upper(&self.upper, &lower).map_err(ProcessError::io("make the upper directory"))?;
        empty_work(&self.work).map_err(ProcessError::io("empty the work directory"))?;
        Ok(Mounted {
            lower: Bytes::of_path(&self.lower),
            upper: Bytes::of_path(&self.upper),
            work: Bytes::of_path(&self.work),
            at: Bytes::of_path(&self.at),
            hidden: self.hidden.iter().map(|path| Bytes::of_path(path)).collect(),
        })
    }
}

/// The view's root takes its attributes from `upper`, so a new one gets those of `lower`.
fn make_upper(upper: &Path, lower: &fs::Metadata) -> io::Result<()> {
    match fs::DirBuilder::new().mode(0o700).create(upper) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
        Err(error) => return Err(error),
    }
    match chown(upper, Some(lower.uid()), Some(lower.gid())) {
        // Without the right to give it away it is ours, like everything else that the command makes.
        Err(error) if error.kind() != io::ErrorKind::PermissionDenied => return Err(error),
        _ => {}
    }
    fs::set_permissions(upper, fs::Permissions::from_mode(lower.mode() & 0o7777))
}

fn empty_work(work: &Path) -> io::Result<()> {
    match fs::symlink_metadata(work) {
        Ok(_) => {
            // The kernel makes a directory in it that nobody may read.
            let inner = work.join("work");
            if fs::symlink_metadata(&inner).is_ok_and(|meta| meta.is_dir()) {
                fs::set_permissions(&inner, fs::Permissions::from_mode(0o700))?;
            }
            fs::remove_dir_all(work)?;
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    fs::DirBuilder::new().mode(0o700).create(work)
}
