//! The care of the repository.

mod adopt_contents;
mod collect_garbage;
mod copy_snapshots;
mod dead_captures;
mod manage_keys;
mod rebuild_catalog;
mod reconcile;
mod repair_repository;
mod statistics;
