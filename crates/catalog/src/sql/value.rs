//! A value bound to a statement. Both databases store only integers, texts and bytes for us.

use backstay_model::{
    HoldId, Kind, OperationId, Role, SnapshotId, SnapshotState, SourceId, TaskId, TenantId, Timestamp,
    TokenId, Trigger, UserId, WebhookId,
};

/// One bound value. `None` is a NULL that still has its type, which PostgreSQL needs to know.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    /// A 64-bit integer; also times in microseconds, and 0 or 1 for a flag.
    Int(Option<i64>),
    /// A text; JSON too.
    Text(Option<String>),
    /// Bytes.
    Bytes(Option<Vec<u8>>),
    /// Integers: an array for PostgreSQL, a JSON array for SQLite.
    Ints(Vec<i64>),
}

/// PostgreSQL cannot store NUL in a text, so it becomes U+FFFD on both databases.
fn clean(text: String) -> String {
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text }
}

/// Integers with commas between them.
pub(crate) fn joined(values: &[i64]) -> String {
    values.iter().map(i64::to_string).collect::<Vec<_>>().join(",")
}

impl From<&[i64]> for Value {
    fn from(values: &[i64]) -> Self {
        Self::Ints(values.to_vec())
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(Some(value))
    }
}

impl From<u64> for Value {
    fn from(value: u64) -> Self {
        Self::Int(Some(i64::try_from(value).unwrap_or(i64::MAX)))
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::Int(Some(i64::from(value)))
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Int(Some(i64::from(value)))
    }
}

impl From<Timestamp> for Value {
    fn from(value: Timestamp) -> Self {
        Self::Int(Some(value.as_micros()))
    }
}

impl From<Option<Timestamp>> for Value {
    fn from(value: Option<Timestamp>) -> Self {
        Self::Int(value.map(Timestamp::as_micros))
    }
}

impl From<Option<i64>> for Value {
    fn from(value: Option<i64>) -> Self {
        Self::Int(value)
    }
}

impl From<Option<u64>> for Value {
    fn from(value: Option<u64>) -> Self {
        Self::Int(value.map(|value| i64::try_from(value).unwrap_or(i64::MAX)))
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(Some(clean(value.to_owned())))
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(Some(clean(value)))
    }
}

impl From<&String> for Value {
    fn from(value: &String) -> Self {
        Self::from(value.as_str())
    }
}

impl From<Option<String>> for Value {
    fn from(value: Option<String>) -> Self {
        Self::Text(value.map(clean))
    }
}

impl From<&Option<String>> for Value {
    fn from(value: &Option<String>) -> Self {
        Self::Text(value.clone().map(clean))
    }
}

impl From<Option<&str>> for Value {
    fn from(value: Option<&str>) -> Self {
        Self::Text(value.map(|text| clean(text.to_owned())))
    }
}

impl From<Vec<u8>> for Value {
    fn from(value: Vec<u8>) -> Self {
        Self::Bytes(Some(value))
    }
}

impl From<&[u8]> for Value {
    fn from(value: &[u8]) -> Self {
        Self::Bytes(Some(value.to_vec()))
    }
}

/// JSON is stored as text; `serde_json` escapes NUL, so that the text stays JSON.
impl From<&serde_json::Value> for Value {
    fn from(value: &serde_json::Value) -> Self {
        Self::Text(Some(value.to_string()))
    }
}

impl From<&Option<serde_json::Value>> for Value {
    fn from(value: &Option<serde_json::Value>) -> Self {
        Self::Text(value.as_ref().map(ToString::to_string))
    }
}

macro_rules! ids {
    ($($name:ident),+) => {$(
        impl From<&$name> for Value {
            fn from(id: &$name) -> Self {
                Self::Text(Some(id.as_str().to_owned()))
            }
        }

        impl From<&Option<$name>> for Value {
            fn from(id: &Option<$name>) -> Self {
                Self::Text(id.as_ref().map(|id| id.as_str().to_owned()))
            }
        }
    )+};
}

ids!(SnapshotId, SourceId, TaskId, OperationId, TenantId, UserId, TokenId, HoldId, WebhookId);

macro_rules! words {
    ($($name:ty),+) => {$(
        impl From<$name> for Value {
            fn from(word: $name) -> Self {
                Self::Text(Some(word.as_str().to_owned()))
            }
        }

        impl From<Option<$name>> for Value {
            fn from(word: Option<$name>) -> Self {
                Self::Text(word.map(|word| word.as_str().to_owned()))
            }
        }
    )+};
}

words!(Kind, SnapshotState, Trigger, Role, backstay_model::Outcome, backstay_model::ActorKind);
