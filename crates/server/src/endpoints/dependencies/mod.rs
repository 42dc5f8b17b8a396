//! Dependencies of workspaces.

mod change_dependencies;
mod list_commands;
mod list_dependencies;
mod list_dependency_changes;
mod plan_command;
mod run_command;
mod show_dependency_change;
mod show_dependency_tree;
mod validate_dependencies;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_dependencies::list_dependencies))
        .routes(routes!(list_dependency_changes::list_dependency_changes))
        .routes(routes!(show_dependency_change::show_dependency_change))
        .routes(routes!(show_dependency_tree::show_dependency_tree))
        .routes(routes!(validate_dependencies::validate_dependencies))
        .routes(routes!(list_commands::list_commands))
        .routes(routes!(plan_command::plan_command))
        .routes(routes!(run_command::run_command))
        .routes(routes!(change_dependencies::change_dependencies))
}
