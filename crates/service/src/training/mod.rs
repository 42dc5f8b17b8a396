//! Runs of training and their snapshots in the repository.

mod best_watch;
mod cleanup_training;
mod compare_training;
mod create_training_run;
mod export_training;
mod fork_training;
mod forks;
mod list_training_runs;
mod list_training_snapshots;
mod load_training;
mod resolve_training;
mod restore_training;
mod save_training;
mod settings;
mod training_lineage;
mod verify_training;
mod view;

pub use best_watch::BestWatch;
