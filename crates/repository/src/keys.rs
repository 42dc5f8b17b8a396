//! The `keys/*` objects: the master key, wrapped once per credential.

use backstay_model::{Rng, Timestamp};
use backstay_store::{ObjectName, Store, StoreErrorKind};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::config::FORMAT_VERSION;
use crate::credential::Credential;
use crate::crypto::{KeyDerivation, MasterKey, PASSWORD_COST, PasswordCost, Sealer};
use crate::error::{RepositoryError, Result};
use crate::id::{decode_hex, encode_hex};
use crate::limits::MAX_PLAIN_BYTES;
use crate::repository::KeyKind;

/// The folder of the keys.
pub(crate) const FOLDER: &str = "keys";

/// The most memory and passes that a stored key may ask of Argon2id: a damaged or hostile one must not stall us.
const MAX_COST: PasswordCost = PasswordCost { memory_kib: 1 << 20, passes: 64, lanes: 64 };

/// A key as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredKey {
    pub(crate) id: String,
    pub(crate) label: String,
    pub(crate) created_at: Timestamp,
    pub(crate) derivation: KeyDerivation,
    wrapped: [u8; 48],
}

#[derive(Serialize, Deserialize)]
struct KeyText {
    format: u32,
    label: String,
    created_at: Timestamp,
    derivation: DerivationText,
    wrapped: String,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "kebab-case")]
enum DerivationText {
    Argon2id { salt: String, memory_kib: u32, passes: u32, lanes: u32 },
    KeyFile { salt: String },
}

/// The name of the key with this id; `None` when no key can have it.
pub(crate) fn object_name(id: &str) -> Option<ObjectName> {
    decode_hex::<8>(id)?;
    ObjectName::parse(&format!("{FOLDER}/{id}")).ok()
}

/// What a wrapping is bound to: the configuration, the key's id, and how its wrapping key is derived.
fn bound_to(config: &[u8], id: &str, derivation: &KeyDerivation) -> Vec<u8> {
    let mut bytes = b"backstay v1 wrapped key".to_vec();
    bytes.extend_from_slice(blake3::hash(config).as_bytes());
    bytes.extend_from_slice(id.as_bytes());
    match derivation {
        KeyDerivation::Argon2id { salt, cost } => {
            bytes.push(1);
            bytes.extend_from_slice(salt);
            for value in [cost.memory_kib, cost.passes, cost.lanes] {
                bytes.extend_from_slice(&value.to_le_bytes());
            }
        }
        KeyDerivation::KeyFile { salt } => {
            bytes.push(2);
            bytes.extend_from_slice(salt);
        }
    }
    bytes
}

impl StoredKey {
    /// Wraps `master` for `credential`, bound to the bytes of `config`.
    pub(crate) fn wrap(
        master: &MasterKey,
        credential: &Credential,
        label: &str,
        created_at: Timestamp,
        config: &[u8],
        rng: &dyn Rng,
    ) -> Result<Self> {
        let (mut id, mut salt) = ([0; 8], [0; 32]);
        rng.fill(&mut id);
        rng.fill(&mut salt);
        let id = encode_hex(&id);
        let derivation = match credential {
            Credential::Password(_) => KeyDerivation::Argon2id { salt, cost: PASSWORD_COST },
            Credential::KeyFile(_) => KeyDerivation::KeyFile { salt },
        };
        let key = derivation.derive(credential)?.expect("the derivation was chosen for the credential");
        let mut wrapped = [0; 48];
        let (secret, tag) = wrapped.split_at_mut(32);
        secret.copy_from_slice(&*master.0);
        tag.copy_from_slice(&Sealer::new(&key).seal(0, &bound_to(config, &id, &derivation), secret));
        let label = label.chars().take(200).collect();
        Ok(Self { id, label, created_at, derivation, wrapped })
    }

    /// The master key; `None` when the credential is not the one it was wrapped for, or anything was altered.
    pub(crate) fn unwrap(&self, credential: &Credential, config: &[u8]) -> Result<Option<MasterKey>> {
        let Some(key) = self.derivation.derive(credential)? else { return Ok(None) };
        let mut plain = Zeroizing::new(Vec::new());
        let bound = bound_to(config, &self.id, &self.derivation);
        if Sealer::new(&key).open(0, &bound, &self.wrapped, &mut plain).is_err() {
            return Ok(None);
        }
        let mut master = Zeroizing::new([0; 32]);
        master.copy_from_slice(&plain);
        Ok(Some(MasterKey(master)))
    }

    pub(crate) fn kind(&self) -> KeyKind {
        match self.derivation {
            KeyDerivation::Argon2id { .. } => KeyKind::Password,
            KeyDerivation::KeyFile { .. } => KeyKind::KeyFile,
        }
    }

    pub(crate) fn object_name(&self) -> ObjectName {
        object_name(&self.id).expect("the id of a key is hexadecimal")
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let derivation = match &self.derivation {
            KeyDerivation::Argon2id { salt, cost } => DerivationText::Argon2id {
                salt: encode_hex(salt),
                memory_kib: cost.memory_kib,
                passes: cost.passes,
                lanes: cost.lanes,
            },
            KeyDerivation::KeyFile { salt } => DerivationText::KeyFile { salt: encode_hex(salt) },
        };
        let text = KeyText {
            format: FORMAT_VERSION,
            label: self.label.clone(),
            created_at: self.created_at,
            derivation,
            wrapped: encode_hex(&self.wrapped),
        };
        let mut bytes = serde_json::to_vec_pretty(&text).expect("a key has a JSON form");
        bytes.push(b'\n');
        bytes
    }

    /// Reads the key stored as `keys/<id>`.
    pub(crate) fn decode(id: &str, bytes: &[u8]) -> Result<Self> {
        let damaged = |reason| RepositoryError::Damaged {
            object: format!("{FOLDER}/{id}"),
            offset: None,
            chunk: None,
            reason,
        };
        if bytes.len() > MAX_PLAIN_BYTES {
            return Err(damaged("it is too large"));
        }
        let text: KeyText = serde_json::from_slice(bytes).map_err(|_| damaged("it is not readable"))?;
        if text.format > FORMAT_VERSION {
            return Err(RepositoryError::NewerFormat {
                object: format!("{FOLDER}/{id}"),
                found: text.format,
                supported: FORMAT_VERSION,
            });
        }
        let salt_of = |salt: &str| decode_hex(salt).ok_or_else(|| damaged("its salt is not readable"));
        let derivation = match &text.derivation {
            DerivationText::Argon2id { salt, memory_kib, passes, lanes } => {
                let cost = PasswordCost { memory_kib: *memory_kib, passes: *passes, lanes: *lanes };
                let possible = cost.memory_kib <= MAX_COST.memory_kib
                    && cost.passes <= MAX_COST.passes
                    && cost.lanes <= MAX_COST.lanes;
                if !possible {
                    return Err(damaged("it asks for an unreasonable key derivation"));
                }
                KeyDerivation::Argon2id { salt: salt_of(salt)?, cost }
            }
            DerivationText::KeyFile { salt } => KeyDerivation::KeyFile { salt: salt_of(salt)? },
        };
        let wrapped = decode_hex(&text.wrapped).ok_or_else(|| damaged("its secret is not readable"))?;
        Ok(Self { id: id.to_owned(), label: text.label, created_at: text.created_at, derivation, wrapped })
    }
}

/// Every key in `store`, and the first error about one that cannot be read.
pub(crate) fn read_all(store: &dyn Store) -> Result<(Vec<StoredKey>, Option<RepositoryError>)> {
    let mut ids = Vec::new();
    store.list(FOLDER, &mut |meta| {
        if let Some(id) = meta.name.as_str().strip_prefix("keys/").filter(|id| decode_hex::<8>(id).is_some())
        {
            ids.push(id.to_owned());
        }
        true
    })?;
    ids.sort_unstable();
    let (mut keys, mut trouble) = (Vec::new(), None);
    for id in ids {
        let name = object_name(&id).expect("only ids of keys were listed");
        match store.get(&name) {
            Ok(bytes) => match StoredKey::decode(&id, &bytes) {
                Ok(key) => keys.push(key),
                Err(error) => trouble = trouble.or(Some(error)),
            },
            Err(error) if error.kind == StoreErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok((keys, trouble))
}
