//! The typed client of the REST API.
//!
//! A [`Client`] is cheap to clone and keeps its connections. What may be sent twice without harm is sent again, with
//! a growing pause, when the network fails or the server is briefly unable: reads, `PUT`, `DELETE`, and the creations
//! that carry an `Idempotency-Key`. An error carries the problem details of the server.

mod access;
mod audit;
mod checkpoints;
mod client;
mod dependencies;
mod download;
mod error;
mod events;
mod executions;
mod groups;
mod health;
mod holds;
mod restores;
mod retry;
mod snapshots;
mod sse;
mod tasks;
mod threads;
mod upgrades;
mod webhooks;
mod workspaces;

pub use checkpoints::Checkpoints;
pub use client::{Client, ClientOptions};
pub use download::{ByteRange, Download};
pub use error::ClientError;
pub use events::EventStream;
pub use executions::Executions;
pub use threads::Threads;
