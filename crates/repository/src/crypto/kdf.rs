//! From a credential to the key that wraps the master key.

use argon2::{Algorithm, Argon2, Params, Version};
use zeroize::Zeroizing;

use crate::credential::Credential;
use crate::error::{RepositoryError, Result};

/// The cost of a guess at a password: Argon2id (RFC 9106).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PasswordCost {
    pub(crate) memory_kib: u32,
    pub(crate) passes: u32,
    pub(crate) lanes: u32,
}

/// The second recommended choice of RFC 9106, section 4.
pub(crate) const PASSWORD_COST: PasswordCost = PasswordCost { memory_kib: 65_536, passes: 3, lanes: 4 };

/// How a wrapping key is derived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyDerivation {
    /// Argon2id of a password.
    Argon2id { salt: [u8; 32], cost: PasswordCost },
    /// BLAKE3 of a key file.
    KeyFile { salt: [u8; 32] },
}

impl KeyDerivation {
    /// The wrapping key; `None` when the credential is of the other kind.
    pub(crate) fn derive(&self, credential: &Credential) -> Result<Option<Zeroizing<[u8; 32]>>> {
        let mut key = Zeroizing::new([0; 32]);
        match (self, credential) {
            (Self::Argon2id { salt, cost }, Credential::Password(password)) => {
                let failed = |_| RepositoryError::Invalid {
                    what: "the password".to_owned(),
                    reason: "the cost of its key derivation is out of range",
                };
                let params =
                    Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(32)).map_err(failed)?;
                Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
                    .hash_password_into(password.as_bytes(), salt, &mut *key)
                    .map_err(failed)?;
            }
            (Self::KeyFile { salt }, Credential::KeyFile(bytes)) => {
                if bytes.len() < Credential::MIN_KEY_FILE_BYTES {
                    return Err(RepositoryError::Invalid {
                        what: "the key file".to_owned(),
                        reason: "it is shorter than 32 bytes",
                    });
                }
                let mut hasher = blake3::Hasher::new_derive_key("backstay v1 key file");
                hasher.update(salt);
                hasher.update(bytes);
                *key = *hasher.finalize().as_bytes();
            }
            _ => return Ok(None),
        }
        Ok(Some(key))
    }
}
