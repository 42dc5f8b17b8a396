//! The use cases on a real catalog, a real repository and a real directory.

mod access;
mod audit;
mod fixture;
mod groups;
mod recovery;
mod restoring;
mod snapshots;
mod tasks;
mod webhooks;
