//! Jobs: what is particular to the state of a workflow step. No SQL, no HTTP.
//!
//! - [`State`]: a JSON object as it was sent, checked strictly and never rewritten.
//! - [`Json`]: its tree, with the order of keys and the text of numbers kept, for [`diff`] and [`patch`].
//! - [`CheckpointKey`]: the number of a checkpoint and its public id, made of each other.
//! - [`content`]: how states, records and channel values are encoded against an older one and sealed.
//! - [`execution`]: which steps of a workflow may act, and who decides about those that ask first.
//! - [`langgraph`]: checkpoints of other programs' databases, taken apart without building anything from them.
//! - [`Manifest`]: the head of a typed checkpoint and which stored values its channels have.

mod checkpoint_id;
pub mod content;
pub mod diff;
pub mod execution;
mod json;
pub mod langgraph;
mod manifest;
mod record;
mod slug;
mod state;
mod wire;

pub use checkpoint_id::CheckpointKey;
pub use diff::{Change, ChangeKind, PatchError, diff, patch};
pub use json::{Json, JsonError, JsonProblem};
pub use manifest::{Channel, MAX_INLINE_BYTES, Manifest, Value, Version};
pub use record::Record;
pub use slug::slug;
pub use state::{MAX_STATE_BYTES, State, StateError};
pub use wire::Malformed;
