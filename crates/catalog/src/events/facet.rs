//! Action and outcome as one number, so that one index and one counter serve every filter on them.

use backstay_model::Outcome;

/// The number of an action with an outcome: the first 48 bits of a hash, so that no table must hand numbers out.
pub(crate) fn number(action: &str, outcome: Outcome) -> i64 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(action.as_bytes());
    hasher.update(&[0]);
    hasher.update(outcome.as_str().as_bytes());
    let mut bytes = [0; 8];
    bytes[..6].copy_from_slice(&hasher.finalize().as_bytes()[..6]);
    i64::from_le_bytes(bytes)
}
