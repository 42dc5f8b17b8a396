//! The use cases on a real catalog, a real repository and a real directory.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod access;
mod audit;
mod checkpoints;
mod fixture;
mod groups;
mod recovery;
mod restoring;
mod snapshots;
mod tasks;
mod webhooks;
