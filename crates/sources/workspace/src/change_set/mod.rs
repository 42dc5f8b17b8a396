//! Changing many paths of a workspace whole or not at all.
//!
//! New content is staged below `.backstay/stage`, on the file system of the workspace. The intent, durable in
//! `.backstay/journal`, lists every step with what was there before; then the paths are looked at once more. **The commit
//! record**, one small durable file, is the commit point. After it the steps are executed by renames, which need no space
//! for content, and each of which can be repeated. [`recover`] goes on after an interruption: forward when there is a
//! commit record, else back.
//!
//! Several workspaces that change together have one commit record, the *decision* in the journal of the first of them.
//!
//! A restore makes its steps from a plan; [`ChangeSet`] makes them from single changes.

mod apply;
mod builder;
mod fingerprint;
mod flip;
mod group;
mod journal;
mod kept;
mod layer;
mod metadata;
mod operations;
mod prepared;
mod recover;
mod seen;
mod stage;
mod steps;
mod tree_copy;

pub(crate) use apply::unfinished;
pub use builder::{Applied, ChangeSet, ChangeSetOptions, PathChange, PathChangeKind};
pub use fingerprint::{Fingerprint, fingerprints};
pub(crate) use flip::{flip, remove_leftover};
pub(crate) use group::{Decision, commit_group};
pub(crate) use journal::{Header, Journal};
pub use kept::{forget_kept, kept};
pub use layer::{Layer, LayerEntry, LayerKind};
pub(crate) use metadata::{Metadata, Rights};
pub(crate) use operations::{Hashes, Identity, Operation};
pub(crate) use prepared::Prepared;
pub(crate) use recover::recover_in;
pub use recover::{Outcome, Recovered, acknowledge, recover};
pub use seen::Seen;
pub(crate) use stage::Stage;
pub use stage::stage_of;
pub use steps::Steps;
pub use tree_copy::TreeCopy;
