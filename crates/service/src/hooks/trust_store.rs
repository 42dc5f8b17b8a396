//! Which texts are trusted on this machine, outside of every workspace.
//!
//! One file per workspace, named by the hash of its root, in a directory of the user. Who can write the workspace cannot
//! write here, so nothing in a workspace can make itself trusted; who can write here can run commands anyway.

use std::fs;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The digest of a text.
pub(super) fn digest_of(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

/// The trusted texts.
#[derive(Debug)]
pub(super) struct TrustStore<'d> {
    directory: &'d Path,
}

impl<'d> TrustStore<'d> {
    pub(super) fn new(directory: &'d Path) -> Self {
        Self { directory }
    }

    /// The digest that is trusted for the workspace `root`. A file that others can write, or of another user, does not
    /// count.
    pub(super) fn trusted(&self, root: &Path) -> io::Result<Option<String>> {
        let path = self.file_of(root);
        let meta = match fs::symlink_metadata(&path) {
            Ok(meta) => meta,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let ours = meta.is_file()
            && meta.uid() == rustix::process::geteuid().as_raw()
            && meta.mode() & 0o022 == 0
            && meta.len() == 64;
        if ours { fs::read_to_string(&path).map(Some) } else { Ok(None) }
    }

    /// Trusts one text for the workspace `root`, in the place of any other. Durable when it returns.
    pub(super) fn trust(&self, root: &Path, digest: &str) -> io::Result<()> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(self.directory)?;
        let path = self.file_of(root);
        let unfinished = path.with_extension("tmp");
        match fs::remove_file(&unfinished) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = fs::File::options().write(true).create_new(true).mode(0o600).open(&unfinished)?;
        file.write_all(digest.as_bytes())?;
        file.sync_all()?;
        fs::rename(&unfinished, &path)?;
        fs::File::open(self.directory)?.sync_all()
    }

    /// Trusts nothing for the workspace `root` any more. Returns whether something was trusted.
    pub(super) fn revoke(&self, root: &Path) -> io::Result<bool> {
        match fs::remove_file(self.file_of(root)) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn file_of(&self, root: &Path) -> PathBuf {
        self.directory.join(blake3::hash(root.as_os_str().as_bytes()).to_hex().as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn one_text_of_one_workspace_is_trusted_until_revoked() {
        let place = tempfile::tempdir().unwrap();
        let directory = place.path().join("a/trust");
        let store = TrustStore::new(&directory);
        let (one, other) = (Path::new("/one"), Path::new("/other"));
        assert_eq!(store.trusted(one).unwrap(), None);
        store.trust(one, &digest_of("first")).unwrap();
        store.trust(one, &digest_of("second")).unwrap();
        assert_eq!(store.trusted(one).unwrap(), Some(digest_of("second")));
        assert_eq!(store.trusted(other).unwrap(), None);
        assert!(store.revoke(one).unwrap() && !store.revoke(one).unwrap());
        assert_eq!(store.trusted(one).unwrap(), None);
    }

    #[test]
    fn a_file_that_others_can_write_does_not_count() {
        let place = tempfile::tempdir().unwrap();
        let store = TrustStore::new(place.path());
        store.trust(Path::new("/one"), &digest_of("text")).unwrap();
        let file = store.file_of(Path::new("/one"));
        fs::set_permissions(&file, fs::Permissions::from_mode(0o662)).unwrap();
        assert_eq!(store.trusted(Path::new("/one")).unwrap(), None);
        fs::rename(&file, place.path().join("elsewhere")).unwrap();
        std::os::unix::fs::symlink(place.path().join("elsewhere"), &file).unwrap();
        assert_eq!(store.trusted(Path::new("/one")).unwrap(), None);
    }
}
