//! Keys, sealing and hashing: AES-256-GCM, BLAKE3, Argon2id.

mod aead;
mod kdf;
mod subkeys;

pub(crate) use aead::{Sealer, TAG_BYTES};
pub(crate) use kdf::{KeyDerivation, PASSWORD_COST, PasswordCost};
pub(crate) use subkeys::{MasterKey, Subkeys};
