//! The use cases on a real catalog, a real repository and a real directory.

mod access;
mod fixture;
mod restoring;
mod snapshots;
