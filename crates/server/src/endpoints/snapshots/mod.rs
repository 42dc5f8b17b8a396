//! Snapshots.

mod compare_training;
mod create_hold;
mod delete_snapshot;
mod diff_snapshot;
mod fork_training;
mod get_snapshot;
mod import_training;
mod list_entries;
mod list_holds;
mod list_snapshots;
mod list_tensors;
mod pin_snapshot;
mod put_back;
mod read_archive;
mod read_content;
mod read_training_file;
mod release_hold;
mod restore_training;
mod snapshot_history;
mod take_snapshot;
mod unpin_snapshot;
mod update_snapshot;
mod verify_snapshot;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

pub(super) use list_snapshots::snapshot_page;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_snapshots::list_snapshots, take_snapshot::take_snapshot))
        .routes(routes!(snapshot_history::snapshot_history))
        .routes(routes!(import_training::import_training))
        .routes(routes!(compare_training::compare_training))
        .routes(routes!(
            get_snapshot::get_snapshot,
            update_snapshot::update_snapshot,
            delete_snapshot::delete_snapshot
        ))
        .routes(routes!(put_back::put_back))
        .routes(routes!(list_entries::list_entries))
        .routes(routes!(read_content::read_content))
        .routes(routes!(read_archive::read_archive))
        .routes(routes!(diff_snapshot::diff_snapshot))
        .routes(routes!(read_training_file::read_training_file))
        .routes(routes!(list_tensors::list_tensors))
        .routes(routes!(fork_training::fork_training))
        .routes(routes!(verify_snapshot::verify_snapshot))
        .routes(routes!(pin_snapshot::pin_snapshot, unpin_snapshot::unpin_snapshot))
        .routes(routes!(create_hold::create_hold, list_holds::list_holds))
        .routes(routes!(release_hold::release_hold))
}
