//! The use cases of Backstay: rules, the order in which things happen, transactions, events.
//!
//! [`Service`] has one method per use case, and one file per use case holds it. Each reads from top to bottom in the
//! order in which it happens: permission, precondition, work, and one named commit point. A use case that takes long
//! takes a [`Run`], and most of those have a twin, `queue_…`, that leaves the work to a worker.

#![expect(
    clippy::result_large_err,
    reason = "an error is made once in a request and tells several things; boxing them would cost every reader more than it saves"
)]

mod audit;
mod auth;
mod checkpoints;
mod error;
mod groups;
mod hooks;
mod jobs;
mod key_file;
mod lazy_repository;
mod limits;
mod open;
mod page;
mod permission;
mod readiness;
mod repository;
mod requests;
mod restore;
mod run;
mod service;
mod settings;
mod snapshots;
mod sources;
mod tasks;
mod threads;
mod upgrades;
pub mod view;
mod webhooks;

pub use audit::ExportFormat;
pub use auth::PasswordCost;
pub use backstay_repository::{Cancel, Credential, NoProgress, Progress, Repository};
pub use backstay_source::{Counters, CountersSnapshot};
pub use backstay_source_job::{Change as StateChange, Json, MAX_STATE_BYTES, State, StateError, Version};
pub use checkpoints::{DEFAULT_PROJECT, Restored};
pub use error::{FieldProblem, LockOwner, Result, ServiceError};
pub use lazy_repository::{LazyRepository, Opener};
pub use open::{CredentialSource, LocalOptions, RepositoryPlace, ServerOptions};
pub use page::{Page, PageRequest};
pub use requests::{Remembered, RepeatableRequest, StoredAnswer};
pub use run::{Notice, Notices, Run};
pub use service::{Parts, Service};
pub use settings::Settings;
pub use snapshots::{ContentReader, OpenContent, Subtree, SubtreeItem};
pub use tasks::{ClaimedTask, Heartbeat};
pub use threads::Prune;
pub use upgrades::{OutputPart, Watch};
