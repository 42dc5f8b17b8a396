//! Passwords, key files and tokens: from files, the environment or the terminal, never from the command line.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use backstay_model::Rng;
use backstay_repository::Credential;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::failure::Failure;
use crate::terminal;

/// The longest password or token file that is read.
const MAX_SECRET_BYTES: u64 = 64 * 1024;

/// The first line of a password or token file.
pub(crate) fn read_line(path: &Path) -> Result<String, Failure> {
    let bytes = read(path)?;
    let text = String::from_utf8(bytes)
        .map_err(|_| Failure::usage(format!("the first line of {} is not UTF-8", path.display())))?;
    let line = text.lines().next().unwrap_or_default().to_owned();
    if line.is_empty() {
        Err(Failure::usage(format!("the first line of {} is empty", path.display())))
    } else {
        Ok(line)
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let failed = |error: std::io::Error| Failure::io(format!("cannot read {}", path.display()), &error);
    let mut bytes = Vec::new();
    File::open(path).map_err(failed)?.take(MAX_SECRET_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > MAX_SECRET_BYTES {
        return Err(Failure::usage(format!("{} is too long to be a secret", path.display())));
    }
    Ok(bytes)
}

/// The credential in a key file.
pub(crate) fn key_file(path: &Path) -> Result<Credential, Failure> {
    let bytes = read(path)?;
    if bytes.len() < Credential::MIN_KEY_FILE_BYTES {
        return Err(Failure::usage(format!(
            "{} is too short for a key file: it has {} of at least {} bytes",
            path.display(),
            bytes.len(),
            Credential::MIN_KEY_FILE_BYTES
        )));
    }
    Ok(Credential::key_file(bytes))
}

/// Creates a key file that only its owner may read, with 256 random bits as text. Refuses to replace a file.
pub(crate) fn create_key_file(path: &Path, rng: &dyn Rng) -> Result<Credential, Failure> {
    let failed = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => Failure::usage(format!("{} exists already", path.display()))
            .hint("leave out --new-key to use it, or name another file"),
        _ => Failure::io(format!("cannot create the key file {}", path.display()), &error),
    };
    let mut random = [0; 32];
    rng.fill(&mut random);
    let mut text = STANDARD.encode(random);
    text.push('\n');
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(directory).and_then(|directory| directory.sync_all()).map_err(failed)?;
    Ok(Credential::key_file(text.into_bytes()))
}

/// Where a credential may come from, first to last.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct CredentialSources<'a> {
    /// A file whose first line is the password.
    pub(crate) password_file: Option<&'a Path>,
    /// A key file.
    pub(crate) key_file: Option<&'a Path>,
    /// An environment variable that holds the password.
    pub(crate) variable: Option<&'static str>,
    /// A key file to use when nothing else is given and it exists.
    pub(crate) own_key: Option<&'a Path>,
}

impl CredentialSources<'_> {
    /// The credential that opens the repository at `location`.
    pub(crate) fn find(&self, location: &str) -> Result<Credential, Failure> {
        if let Some(credential) = self.silently()? {
            return Ok(credential);
        }
        terminal::ask_secret(&format!("password of {location}"))?
            .map(Credential::password)
            .ok_or_else(|| missing(location))
    }

    /// The credential for a new repository at `location`; a question is asked twice.
    pub(crate) fn find_new(&self, location: &str) -> Result<Credential, Failure> {
        if let Some(credential) = self.silently()? {
            return Ok(credential);
        }
        terminal::ask_new_secret(&format!("new password of {location}"))?
            .map(Credential::password)
            .ok_or_else(|| missing(location))
    }

    /// The credential, when there is one without a question.
    pub(crate) fn silently(&self) -> Result<Option<Credential>, Failure> {
        if let Some(path) = self.key_file {
            return key_file(path).map(Some);
        }
        if let Some(path) = self.password_file {
            return Ok(Some(Credential::password(read_line(path)?)));
        }
        if let Some(password) =
            self.variable.and_then(|name| std::env::var(name).ok()).filter(|text| !text.is_empty())
        {
            return Ok(Some(Credential::password(password)));
        }
        match self.own_key {
            Some(path) if path.exists() => key_file(path).map(Some),
            _ => Ok(None),
        }
    }
}

fn missing(location: &str) -> Failure {
    Failure::usage(format!("there is no password or key for {location}"))
        .code("no_credential")
        .hint("give --password-file or --key-file, or set BACKSTAY_PASSWORD")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use backstay_model::SeededRng;

    use super::*;

    #[test]
    fn a_new_key_file_is_private_and_is_not_replaced() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("key");
        create_key_file(&path, &SeededRng::new(1)).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert!(key_file(&path).is_ok());
        assert_eq!(create_key_file(&path, &SeededRng::new(2)).unwrap_err().exit_code(), 2);
    }

    #[test]
    fn only_the_first_line_is_the_password() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("pw");
        std::fs::write(&path, "correct horse\r\nrest\n").unwrap();
        assert_eq!(read_line(&path).unwrap(), "correct horse");
        std::fs::write(&path, "\n").unwrap();
        assert!(read_line(&path).is_err());
    }

    #[test]
    fn a_short_key_file_is_refused() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("key");
        std::fs::write(&path, "short").unwrap();
        assert_eq!(key_file(&path).unwrap_err().exit_code(), 2);
    }
}
