//! The vocabulary of Backstay: ids, value types, state machines, retention rules, clock and randomness. No I/O.

pub mod actor;
pub mod clock;
pub mod error;
pub mod event;
pub mod execution;
pub mod id;
pub mod kind;
pub mod policy;
pub mod retention;
pub mod snapshot;

pub use actor::{Actor, ActorKind, Caller, Role};
pub use clock::{Clock, FakeClock, Rng, SeededRng, Timestamp};
pub use error::ErrorKind;
pub use event::{Event, EventData, EventDraft, EventHash, Outcome, Subject};
pub use id::{
    HoldId, InvalidId, OperationId, SnapshotId, SourceId, TaskId, TenantId, TokenId, UserId, WebhookId,
};
pub use kind::Kind;
pub use policy::Action;
pub use snapshot::{SnapshotState, Trigger};
