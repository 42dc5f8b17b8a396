//! The `config` object: what every client must know before it can read anything else.

use backstay_store::ObjectName;
use serde::{Deserialize, Serialize};

use crate::error::{RepositoryError, Result};
use crate::id::decode_hex;
use crate::limits::MAX_PLAIN_BYTES;
use crate::repository::Settings;

/// The version of the format that this crate writes, and the newest that it reads.
pub(crate) const FORMAT_VERSION: u32 = 1;

/// The content of `config`. Its bytes are bound into every wrapped key, so nobody without a key can change them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Config {
    pub(crate) format: u32,
    pub(crate) repository: String,
    pub(crate) cipher: String,
    pub(crate) hash: String,
    pub(crate) chunking: Chunking,
    pub(crate) collect_grace_seconds: u64,
}

/// Where chunks end; see `chunker`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[expect(
    clippy::struct_field_names,
    reason = "they are the fields of a stored object, where each tells its unit"
)]
pub(crate) struct Chunking {
    pub(crate) min_bytes: u32,
    pub(crate) average_bytes: u32,
    pub(crate) max_bytes: u32,
    pub(crate) image_block_bytes: u32,
}

impl Default for Chunking {
    fn default() -> Self {
        Self {
            min_bytes: 16 << 10,
            average_bytes: 64 << 10,
            max_bytes: 256 << 10,
            image_block_bytes: 64 << 10,
        }
    }
}

/// The one field that every version of the format has.
#[derive(Deserialize)]
struct Version {
    format: u32,
}

pub(crate) fn object_name() -> ObjectName {
    ObjectName::parse("config").expect("a word is an object name")
}

impl Config {
    pub(crate) fn new(repository: String, settings: &Settings) -> Self {
        Self {
            format: FORMAT_VERSION,
            repository,
            cipher: "aes-256-gcm".to_owned(),
            hash: "blake3".to_owned(),
            chunking: Chunking::default(),
            collect_grace_seconds: settings.collect_grace_seconds,
        }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(self).expect("a config has a JSON form");
        bytes.push(b'\n');
        bytes
    }

    /// Reads `config`; a newer format is refused before anything else is looked at.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self> {
        let damaged = |reason| RepositoryError::damaged(&object_name(), reason);
        if bytes.len() > MAX_PLAIN_BYTES {
            return Err(damaged("it is too large"));
        }
        let version: Version = serde_json::from_slice(bytes).map_err(|_| damaged("it is not readable"))?;
        if version.format > FORMAT_VERSION {
            return Err(RepositoryError::NewerFormat {
                object: "config".to_owned(),
                found: version.format,
                supported: FORMAT_VERSION,
            });
        }
        let config: Self = serde_json::from_slice(bytes).map_err(|_| damaged("it is not readable"))?;
        let chunking = &config.chunking;
        let chunks_are_possible = chunking.min_bytes >= 256
            && chunking.average_bytes.is_power_of_two()
            && chunking.min_bytes < chunking.average_bytes
            && chunking.average_bytes < chunking.max_bytes
            && chunking.max_bytes <= 1 << 20
            && chunking.image_block_bytes.is_power_of_two()
            && (4096..=1 << 20).contains(&chunking.image_block_bytes);
        if config.format == 0 || !chunks_are_possible || decode_hex::<16>(&config.repository).is_none() {
            return Err(damaged("a value is out of range"));
        }
        if config.cipher != "aes-256-gcm" || config.hash != "blake3" {
            return Err(damaged("it names an unknown cipher or hash"));
        }
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> Config {
        Config::new("00112233445566778899aabbccddeeff".to_owned(), &Settings::default())
    }

    #[test]
    fn a_config_reads_back() {
        assert_eq!(Config::decode(&config().encode()).unwrap(), config());
    }

    #[test]
    fn a_newer_format_is_refused_even_when_nothing_else_is_known_of_it() {
        let error = Config::decode(br#"{"format":2,"everything":"else"}"#).unwrap_err();
        assert!(matches!(error, RepositoryError::NewerFormat { found: 2, supported: 1, .. }), "{error}");
    }

    #[test]
    fn impossible_values_are_damage() {
        for change in
            [("262144", "0"), ("aes-256-gcm", "rot13"), ("0011", "zz11"), ("\"format\": 1", "\"format\": 0")]
        {
            let text = String::from_utf8(config().encode()).unwrap().replacen(change.0, change.1, 1);
            let error = Config::decode(text.as_bytes()).unwrap_err();
            assert!(matches!(error, RepositoryError::Damaged { .. }), "{change:?}: {error}");
        }
    }
}
