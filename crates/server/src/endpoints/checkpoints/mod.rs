//! Checkpoints of jobs: the simple API and what goes beyond it.

mod checkpoint_at;
mod checkpoint_tree;
mod clean_job;
mod create_checkpoint;
mod create_checkpoints;
mod delete_checkpoint;
mod diff_checkpoints;
mod fork_checkpoint;
mod get_checkpoint;
mod hold_checkpoint;
mod import_checkpoints;
mod list_checkpoints;
mod pin_checkpoint;
mod pointer_history;
mod release_checkpoint;
mod restore_checkpoint;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_checkpoints::list_checkpoints, create_checkpoint::create_checkpoint))
        .routes(routes!(create_checkpoints::create_checkpoints))
        .routes(routes!(import_checkpoints::import_checkpoints))
        .routes(routes!(clean_job::clean_job))
        .routes(routes!(get_checkpoint::get_checkpoint, delete_checkpoint::delete_checkpoint))
        .routes(routes!(restore_checkpoint::restore_checkpoint))
        .routes(routes!(fork_checkpoint::fork_checkpoint))
        .routes(routes!(diff_checkpoints::diff_checkpoints))
        .routes(routes!(checkpoint_tree::checkpoint_tree))
        .routes(routes!(checkpoint_at::checkpoint_at))
        .routes(routes!(pointer_history::pointer_history))
        .routes(routes!(hold_checkpoint::hold_checkpoint))
        .routes(routes!(release_checkpoint::release_checkpoint))
        .routes(routes!(pin_checkpoint::pin_checkpoint))
}
