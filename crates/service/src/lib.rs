//! The use cases of Backstay: rules, the order in which things happen, transactions, events.
//!
//! [`Service`] has one method per use case, and one file per use case holds it. Each reads from top to bottom in the
//! order in which it happens: permission, precondition, work, and one named commit point. A use case that takes long
//! takes a [`Run`], and most of those have a twin, `queue_…`, that leaves the work to a worker.
//!
//! # Snapshots from a program
//!
//! A program that wants to go back when something fails needs no server: create, list, look whether one exists, restore,
//! delete, keep the newest. An upgrade takes and removes its own snapshot this way, as [`Settings::upgrade_auto_cleanup`],
//! [`Settings::upgrade_keep`] and [`Settings::undo_keep`] say.
//!
//! ```
//! use std::sync::Arc;
//!
//! use backstay_model::retention::Rules;
//! use backstay_model::{FakeClock, SeededRng, SnapshotState, Timestamp};
//! use backstay_service::view::{NewSnapshot, RestoreRequest, SnapshotFilter};
//! use backstay_service::{LocalOptions, PageRequest, Run, Service, Settings};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! # let place = tempfile::tempdir()?;
//! # let root = place.path().canonicalize()?;
//! # let clock = Arc::new(FakeClock::new(Timestamp::from_micros(1_767_435_330_000_000)));
//! # let rng = Arc::new(SeededRng::new(1));
//! // Where the content goes is made on first use: below `.backstay` in the workspace.
//! let service = Service::open_local(LocalOptions {
//!     root: root.clone(),
//!     create: true,
//!     repository: None,
//!     clock: clock.clone(),
//!     rng,
//!     settings: Settings { allowed_roots: None, ..Settings::default() },
//! })
//! .await?;
//! let caller = Service::local_caller("anna");
//! let workspace = service.ensure_workspace(&caller, &root, "app").await?.id;
//! let run = Run::default();
//!
//! std::fs::write(root.join("settings"), "old")?;
//! let before = service.create_snapshot(&caller, &workspace, NewSnapshot::default(), &run).await?;
//! std::fs::write(root.join("settings"), "new, and wrong")?;
//! std::fs::write(root.join("junk"), "left over")?;
//!
//! let plan = service.plan_restore(&caller, &before.id, RestoreRequest::default()).await?;
//! service.restore_snapshot(&caller, &plan.id, &run).await?;
//! assert_eq!(std::fs::read(root.join("settings"))?, b"old");
//! assert!(!root.join("junk").exists());
//!
//! // Newest first. The restore took a snapshot of its own, with which it can be undone.
//! # clock.advance(60);
//! let after = service.create_snapshot(&caller, &workspace, NewSnapshot::default(), &run).await?;
//! let page = service.list_snapshots(&caller, &SnapshotFilter::default(), &PageRequest::first(100)).await?;
//! let ids: Vec<_> = page.items.iter().map(|snapshot| &snapshot.id).collect();
//! assert_eq!((ids.first(), ids.last(), ids.len()), (Some(&&after.id), Some(&&before.id), 3));
//!
//! // Of those that were asked for the newest stays.
//! let pruned = service.prune_snapshots(&caller, &workspace, Some(Rules::last(1)), false).await?;
//! assert_eq!(pruned.removed, 1);
//! assert_eq!(service.show_snapshot(&caller, &after.id).await?.state, SnapshotState::Ready);
//! service.delete_snapshot(&caller, &after.id, "no longer needed").await?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })
//! # }
//! ```

#![expect(
    clippy::result_large_err,
    reason = "an error is made once in a request and tells several things; boxing them would cost every reader more than it saves"
)]

mod audit;
mod auth;
mod checkpoints;
mod dependencies;
mod error;
mod executions;
mod executors;
mod groups;
mod hooks;
mod jobs;
mod key_file;
mod layouts;
mod lazy_repository;
mod limits;
mod open;
mod page;
mod permission;
mod probes;
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
mod together;
mod training;
mod upgrades;
pub mod view;
mod webhooks;

pub use audit::ExportFormat;
pub use auth::PasswordCost;
pub use backstay_repository::{Cancel, Credential, NoProgress, Progress, Repository};
pub use backstay_source::{Counters, CountersSnapshot};
pub use backstay_source_job::{Change as StateChange, Json, MAX_STATE_BYTES, State, StateError, Version};
pub use backstay_source_training::stored::TensorOutline;
pub use backstay_source_training::{Comparison, TensorDifference, TensorStatus};
pub use checkpoints::{DEFAULT_PROJECT, Restored};
pub use dependencies::{CalledCommand, CommandEvent, CommandHost};
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
pub use training::{
    BestWatch, CommandChannel, Feed, Followed, Frame, PresentRun, RestoredLive, Resumed, SavePlan,
    SaveSchedule, TrainingFile, new_header, resumed,
};
pub use upgrades::{KeptEvent, OutputPart, Watch};
