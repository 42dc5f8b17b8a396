//! Runs of training and their snapshots in the repository.

mod best_watch;
mod cleanup_training;
mod compare_training;
mod create_builtin_run;
mod create_training_run;
mod delete_training_run;
mod export_training;
mod fork_training;
mod forks;
mod import_training;
mod list_training_runs;
mod list_training_snapshots;
mod live;
mod load_training;
mod outline_training;
mod resolve_training;
mod restore_training;
mod resumed;
mod save_training;
mod settings;
mod training_lineage;
mod update_training_run;
mod verify_training;
mod view;

pub use best_watch::BestWatch;
pub use export_training::TrainingFile;
pub(crate) use live::Live;
pub use live::{CommandChannel, Feed, Followed, Frame, PresentRun, RestoredLive, SavePlan, SaveSchedule};
pub use resumed::{Resumed, new_header, resumed};
pub(crate) use save_training::label_is_taken;
pub(crate) use view::{file_bytes, snapshot as training_view};
