//! Fingerprints of paths, to find out later whether someone edited them.

use std::fs::File;
use std::path::Path;

use rustix::io::Errno;

use super::builder::metadata_now;
use crate::error::{Result, WorkspaceError};
use crate::fs::{Dir, FileKind, Stat, c_name};

/// A short hash of what is at a path: its type, content or target, mode, owner and attributes. Times do not count.
pub type Fingerprint = [u8; 16];

/// The fingerprints of `paths` below the workspace `root`, in the same order; `None` where nothing is. No link is followed.
///
/// `salt` keeps equal content from having equal fingerprints elsewhere. Of a file that may not be read its size and time count
/// instead of the content.
pub fn fingerprints(root: &Path, paths: &[Vec<u8>], salt: &[u8]) -> Result<Vec<Option<Fingerprint>>> {
    let dir = Dir::open_root(root).map_err(|errno| WorkspaceError::Path {
        operation: "open",
        path: root.display().to_string(),
        source: errno.into(),
    })?;
    let one = |path: &Vec<u8>| -> Result<Option<Fingerprint>> {
        let found = dir.stat_beneath(path).map_err(|errno| WorkspaceError::path("inspect", path, errno))?;
        found.map(|stat| of(&dir, path, &stat, salt)).transpose()
    };
    paths.iter().map(one).collect()
}

fn of(root: &Dir, path: &[u8], stat: &Stat, salt: &[u8]) -> Result<Fingerprint> {
    let failed = |errno| WorkspaceError::path("read", path, errno);
    let mut hasher = blake3::Hasher::new();
    hasher.update(&(salt.len() as u64).to_le_bytes()).update(salt);
    hasher.update(&[stat.kind as u8]);
    for number in [stat.mode, stat.uid, stat.gid] {
        hasher.update(&number.to_le_bytes());
    }
    match read(root, path, stat, &mut hasher) {
        Ok(()) => {}
        Err(Errno::ACCESS | Errno::PERM) => {
            hasher.update(&stat.size.to_le_bytes()).update(&stat.mtime_ns.to_le_bytes());
        }
        Err(errno) => return Err(failed(errno)),
    }
    if stat.kind != FileKind::Symlink {
        for (name, value) in metadata_now(root, path, stat).map(|found| found.xattrs).unwrap_or_default() {
            for part in [name, value] {
                hasher.update(&(part.len() as u64).to_le_bytes()).update(&part);
            }
        }
    }
    let mut short = Fingerprint::default();
    hasher.finalize_xof().fill(&mut short);
    Ok(short)
}

/// Hashes the content of a file or the target of a link.
fn read(root: &Dir, path: &[u8], stat: &Stat, hasher: &mut blake3::Hasher) -> Result<(), Errno> {
    if !matches!(stat.kind, FileKind::File | FileKind::Symlink) {
        return Ok(());
    }
    let (parent, name) = root.open_parent(path)?;
    let name = c_name(name)?;
    if stat.kind == FileKind::Symlink {
        hasher.update(&parent.read_link(&name)?);
        return Ok(());
    }
    let copied = std::io::copy(&mut File::from(parent.open_file(&name)?), hasher);
    copied.map(drop).map_err(|error| error.raw_os_error().map_or(Errno::IO, Errno::from_raw_os_error))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn every_edit_changes_a_fingerprint_and_a_touch_does_not() {
        let place = tempfile::tempdir().unwrap();
        let root = place.path();
        fs::create_dir(root.join("d")).unwrap();
        fs::write(root.join("d/f"), "one").unwrap();
        symlink("nowhere", root.join("l")).unwrap();
        let paths = [b"d".to_vec(), b"d/f".to_vec(), b"l".to_vec(), b"gone".to_vec(), b"d/f/x".to_vec()];
        let look = |salt: &[u8]| fingerprints(root, &paths, salt).unwrap();
        let before = look(b"a");
        assert_eq!(before.iter().map(Option::is_some).collect::<Vec<_>>(), [true, true, true, false, false]);
        assert_ne!(look(b"b"), before);

        fs::write(root.join("d/f"), "two").unwrap();
        assert_ne!(look(b"a")[1], before[1]);
        fs::write(root.join("d/f"), "one").unwrap();
        assert_eq!(look(b"a"), before);
        fs::set_permissions(root.join("d/f"), fs::Permissions::from_mode(0o700)).unwrap();
        assert_ne!(look(b"a")[1], before[1]);
        fs::remove_file(root.join("l")).unwrap();
        symlink("elsewhere", root.join("l")).unwrap();
        assert_ne!(look(b"a")[2], before[2]);
        fs::remove_dir_all(root.join("d")).unwrap();
        fs::write(root.join("d"), "one").unwrap();
        let after = look(b"a");
        assert_ne!(after[0], before[0]);
        assert_eq!(after[1], None);
    }
}
