//! Runs the real binary in directories of its own.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod acceptance;
mod checkpoints;
mod credentials;
mod damage;
mod demo;
mod dependencies;
mod dependencies_as_graft;
mod dependencies_files;
mod dependencies_hostile;
mod dependencies_undo;
mod dependencies_with_git;
mod executions;
mod full_disk;
mod holds;
mod hooks;
mod hostile;
mod interrupt;
mod json_shapes;
mod kill_dependencies;
mod listing;
mod locking;
mod reference;
mod repository;
mod s3;
mod sandbox;
mod served;
mod server;
mod usage;
