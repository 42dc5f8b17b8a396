//! Restores and operations.

mod cancel_operation;
mod get_operation;
mod list_operations;
mod plan_restore;
mod recover_workspace;
mod restore_snapshot;
mod undo_operation;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

pub(super) use restore_snapshot::accepted_operation;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(plan_restore::plan_restore))
        .routes(routes!(restore_snapshot::restore_snapshot))
        .routes(routes!(list_operations::list_operations))
        .routes(routes!(get_operation::get_operation))
        .routes(routes!(undo_operation::undo_operation))
        .routes(routes!(cancel_operation::cancel_operation))
        .routes(routes!(recover_workspace::recover_workspace))
}
