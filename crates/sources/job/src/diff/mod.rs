//! Comparing two states, and applying a JSON Patch (RFC 6902).

mod apply;
mod compare;

pub use apply::{PatchError, patch};
pub use compare::{Change, ChangeKind, diff};
