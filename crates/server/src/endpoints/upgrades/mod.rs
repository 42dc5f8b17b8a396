//! Upgrades of dependencies.

mod operation_output;
mod plan_upgrade;
mod upgrade_dependency;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(plan_upgrade::plan_upgrade))
        .routes(routes!(upgrade_dependency::upgrade_dependency))
        .routes(routes!(operation_output::operation_output))
}
