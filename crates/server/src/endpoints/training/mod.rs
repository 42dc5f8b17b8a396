//! Runs of training.

mod cleanup_training;
mod training_lineage;
mod update_training_run;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(training_lineage::training_lineage))
        .routes(routes!(update_training_run::update_training_run))
        .routes(routes!(cleanup_training::cleanup_training))
}
