//! Workspaces.

mod create_snapshot;
mod create_workspace;
mod delete_workspace;
mod get_workspace;
mod list_workspace_snapshots;
mod list_workspaces;
mod prune_workspace;
mod update_workspace;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(create_workspace::create_workspace, list_workspaces::list_workspaces))
        .routes(routes!(
            get_workspace::get_workspace,
            update_workspace::update_workspace,
            delete_workspace::delete_workspace
        ))
        .routes(routes!(create_snapshot::create_snapshot, list_workspace_snapshots::list_workspace_snapshots))
        .routes(routes!(prune_workspace::prune_workspace))
}
