//! The key file of a repository that Backstay keeps itself.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use backstay_model::Rng;
use backstay_repository::Credential;

use crate::error::{Result, ServiceError};
use crate::open::cannot;

/// The label of the key in the repository.
pub(crate) const KEY_LABEL: &str = "key file";

/// How many random bytes a key file has.
const KEY_BYTES: usize = 64;

/// The credential in the key file at `path`; with `create` a new one is made, durable and for its owner alone, when there
/// is none. Of two processes that create it at once, both get the same.
pub(crate) fn read_or_create(path: &Path, create: bool, rng: &dyn Rng) -> Result<Credential> {
    match fs::read(path) {
        Ok(bytes) if bytes.len() >= Credential::MIN_KEY_FILE_BYTES => return Ok(Credential::key_file(bytes)),
        Ok(_) => {
            return Err(ServiceError::conflict(format!("The key file {} is too short", path.display()))
                .hint("restore it from a copy; without it the repository cannot be read"));
        }
        Err(error) if error.kind() == ErrorKind::NotFound && create => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(ServiceError::not_found("Key file")
                .hint(format!("{} is missing; restore it from a copy", path.display())));
        }
        Err(error) => return Err(cannot("read", path, error)),
    }
    let mut bytes = vec![0; KEY_BYTES];
    rng.fill(&mut bytes);
    let directory = path.parent().unwrap_or(Path::new("."));
    let temporary = directory.join(format!(".key-{}", backstay_model::id::random_suffix(rng, 12)));
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&temporary)
        .and_then(|mut file| file.write_all(&bytes).and_then(|()| file.sync_all()));
    // A link, other than a rename, does not replace the key of a process that was faster.
    let linked = written.and_then(|()| fs::hard_link(&temporary, path));
    let _ = fs::remove_file(&temporary);
    match linked {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return read_or_create(path, false, rng),
        Err(error) => return Err(cannot("create", path, error)),
    }
    File::open(directory)
        .and_then(|directory| directory.sync_all())
        .map_err(|error| cannot("write", directory, error))?;
    Ok(Credential::key_file(bytes))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use backstay_model::SeededRng;

    use super::*;

    fn bytes_of(credential: &Credential) -> Vec<u8> {
        match credential {
            Credential::KeyFile(bytes) => bytes.to_vec(),
            Credential::Password(_) => panic!("it is a key file"),
        }
    }

    #[test]
    fn a_key_is_made_once_and_for_its_owner_alone() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("key");
        assert!(read_or_create(&path, false, &SeededRng::new(1)).is_err());
        let made = read_or_create(&path, true, &SeededRng::new(1)).unwrap();
        let found = read_or_create(&path, true, &SeededRng::new(2)).unwrap();
        assert_eq!(bytes_of(&made), bytes_of(&found));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_cut_key_is_not_replaced() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("key");
        fs::write(&path, b"short").unwrap();
        assert!(read_or_create(&path, true, &SeededRng::new(1)).is_err());
        assert_eq!(fs::read(&path).unwrap(), b"short");
    }
}
