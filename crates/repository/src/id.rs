//! Identifiers of what a repository holds.

use std::fmt;

use backstay_store::ObjectName;
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};

/// A text that is not an identifier: 64 lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an identifier of 64 hexadecimal digits")]
pub struct InvalidObjectId(String);

/// Decodes the lower-case hexadecimal digits of `N` bytes.
pub(crate) fn decode_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    HEXLOWER.decode(text.as_bytes()).ok()?.try_into().ok()
}

/// Lower-case hexadecimal digits of `bytes`.
pub(crate) fn encode_hex(bytes: &[u8]) -> String {
    HEXLOWER.encode(bytes)
}

macro_rules! hash_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name([u8; 32]);

        impl $name {
            /// The id made of these bytes.
            pub const fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// The bytes of the id.
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }

            /// Reads 64 lower-case hexadecimal digits.
            pub fn parse(text: &str) -> Result<Self, InvalidObjectId> {
                decode_hex(text).map(Self).ok_or_else(|| InvalidObjectId(text.chars().take(70).collect()))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&encode_hex(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidObjectId;
            fn try_from(text: String) -> Result<Self, InvalidObjectId> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                encode_hex(&id.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidObjectId;
            fn from_str(text: &str) -> Result<Self, InvalidObjectId> {
                Self::parse(text)
            }
        }
    };
}

hash_id!(
    /// The keyed BLAKE3 hash of a chunk's bytes; without the repository's secret it reveals nothing about them.
    ChunkId
);

/// The part of a chunk id that the index keeps: 128 bits.
pub(crate) type ChunkPrefix = [u8; 16];

impl ChunkId {
    /// The part that the index keeps.
    pub(crate) fn prefix(&self) -> ChunkPrefix {
        let mut prefix = [0; 16];
        prefix.copy_from_slice(&self.0[..16]);
        prefix
    }
}

macro_rules! object_id {
    ($(#[$doc:meta])* $name:ident, $folder:literal) => {
        hash_id!($(#[$doc])* $name);

        impl $name {
            /// The folder of such objects.
            pub const FOLDER: &'static str = $folder;

            /// The name of the object.
            pub fn object_name(&self) -> ObjectName {
                ObjectName::parse(&format!(concat!($folder, "/{}"), self))
                    .expect("a folder and hexadecimal digits are an object name")
            }

            /// The id in an object's name; `None` when it is no such object.
            pub fn from_object_name(name: &ObjectName) -> Option<Self> {
                let digits = name.as_str().strip_prefix(concat!($folder, "/"))?;
                Self::parse(digits).ok()
            }
        }
    };
}

object_id!(
    /// A pack.
    PackId,
    "packs"
);
object_id!(
    /// An index object.
    IndexId,
    "index"
);
object_id!(
    /// A root manifest: the commit point of a capture inside the repository.
    ManifestId,
    "snapshots"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_from_its_object_name() {
        let id = PackId::from_bytes(std::array::from_fn(|i| i as u8 * 7));
        assert_eq!(PackId::from_object_name(&id.object_name()), Some(id));
        assert_eq!(IndexId::from_object_name(&id.object_name()), None);
        assert_eq!(PackId::parse(&id.to_string()), Ok(id));
    }

    #[test]
    fn upper_case_and_wrong_lengths_are_refused() {
        for text in ["", "ab", &"A".repeat(64), &"a".repeat(65), &"g".repeat(64)] {
            assert!(ChunkId::parse(text).is_err(), "{text}");
        }
    }
}
