//! Identifiers. Each is a short text that is safe in a URL, a log and a database; none ever becomes a path.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::clock::{Rng, Timestamp};

/// A text that is not an id of the wanted type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a {what}: it takes 1 to 128 letters, digits, `.`, `_` or `-`")]
pub struct InvalidId {
    /// What was wanted, for example `snapshot id`.
    pub what: &'static str,
    /// The rejected text, shortened.
    pub text: String,
}

fn check(what: &'static str, text: &str) -> Result<(), InvalidId> {
    let bytes = text.as_bytes();
    let good = matches!(bytes.len(), 1..=128)
        && bytes.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
        && !bytes.iter().all(|b| *b == b'.');
    if good { Ok(()) } else { Err(InvalidId { what, text: text.chars().take(140).collect() }) }
}

/// `length` random characters of `a-z2-7` (base 32), 5 bits each.
pub fn random_suffix(rng: &dyn Rng, length: usize) -> String {
    let mut bytes = vec![0; length];
    rng.fill(&mut bytes);
    bytes.iter().map(|b| char::from(b"abcdefghijklmnopqrstuvwxyz234567"[usize::from(b & 31)])).collect()
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Checks `text`: 1 to 128 of `A-Za-z0-9._-`, not only dots.
            pub fn parse(text: &str) -> Result<Self, InvalidId> {
                check($what, text)?;
                Ok(Self(text.to_owned()))
            }

            /// The text of the id.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// A new id that sorts by creation: the prefix, 16 digits of Unix microseconds and 8 random characters.
            pub fn generate(now: Timestamp, rng: &dyn Rng) -> Self {
                Self(format!("{}-{:016}-{}", $prefix, now.as_micros().max(0), random_suffix(rng, 8)))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                check($what, &text)?;
                Ok(Self(text))
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::parse(text)
            }
        }
    };
}

id!(
    /// A snapshot. Workspaces use `snapshot-<16 digits of Unix microseconds>-<8 random>`; other kinds may derive theirs from a label.
    SnapshotId, "snapshot id", "snapshot"
);
id!(
    /// A source: a workspace, a job, a training run, a volume or a room.
    SourceId, "source id", "src"
);
id!(
    /// A unit of background work.
    TaskId, "task id", "t"
);
id!(
    /// A change of a workspace that can be undone.
    OperationId, "operation id", "op"
);
id!(
    /// A tenant, the boundary of visibility. The embedded default has one, `default`.
    TenantId, "tenant id", "tenant"
);
id!(
    /// A user.
    UserId, "user id", "user"
);
id!(
    /// An API token; not the secret itself.
    TokenId, "token id", "token"
);
id!(
    /// A hold, which forbids the deletion of a snapshot.
    HoldId, "hold id", "hold"
);
id!(
    /// A webhook endpoint.
    WebhookId, "webhook id", "webhook"
);

impl TenantId {
    /// The tenant of the embedded default.
    pub fn default_tenant() -> Self {
        Self("default".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SeededRng;

    #[test]
    fn a_generated_snapshot_id_sorts_by_creation() {
        let rng = SeededRng::new(1);
        let early = SnapshotId::generate(Timestamp::from_micros(9), &rng);
        let late = SnapshotId::generate(Timestamp::from_micros(1_767_435_330_123_456), &rng);
        assert!(early < late);
        assert!(late.as_str().starts_with("snapshot-1767435330123456-"));
        assert_eq!(late.as_str().len(), "snapshot-1767435330123456-k3v9q2xa".len());
    }

    #[test]
    fn hostile_texts_are_no_ids() {
        for text in ["", ".", "..", "a/b", "../x", "a b", "a\0", "é", &"x".repeat(129)] {
            assert!(SnapshotId::parse(text).is_err(), "{text:?}");
        }
    }
}
