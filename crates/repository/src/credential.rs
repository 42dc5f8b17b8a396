//! What opens a repository: a password or a key file.

use std::fmt;

use zeroize::Zeroizing;

/// A secret that unwraps the master key of a repository. It is wiped from memory when dropped and never shown.
#[derive(Clone)]
pub enum Credential {
    /// A password; Argon2id makes guessing expensive (64 MiB and some tenths of a second per try).
    Password(Zeroizing<String>),
    /// The bytes of a key file; they must be random, at least 32 of them, and cost nothing to use.
    KeyFile(Zeroizing<Vec<u8>>),
}

impl Credential {
    /// The shortest key file, in bytes.
    pub const MIN_KEY_FILE_BYTES: usize = 32;

    /// A password.
    pub fn password(text: impl Into<String>) -> Self {
        Self::Password(Zeroizing::new(text.into()))
    }

    /// The bytes of a key file.
    pub fn key_file(bytes: impl Into<Vec<u8>>) -> Self {
        Self::KeyFile(Zeroizing::new(bytes.into()))
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Password(_) => f.write_str("Password(..)"),
            Self::KeyFile(_) => f.write_str("KeyFile(..)"),
        }
    }
}
