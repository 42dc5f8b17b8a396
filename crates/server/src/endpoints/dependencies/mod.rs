//! Dependencies of workspaces.

mod change_dependencies;
mod list_dependencies;
mod list_dependency_changes;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_dependencies::list_dependencies))
        .routes(routes!(list_dependency_changes::list_dependency_changes))
        .routes(routes!(change_dependencies::change_dependencies))
}
