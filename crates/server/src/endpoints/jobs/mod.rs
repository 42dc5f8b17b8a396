//! Jobs as a whole: their list and their retention.

mod apply_retention;
mod get_retention;
mod list_jobs;
mod plan_retention;
mod rotate_job_key;
mod set_retention;
mod unexpire_job;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_jobs::list_jobs))
        .routes(routes!(rotate_job_key::rotate_job_key))
        .routes(routes!(unexpire_job::unexpire_job))
        .routes(routes!(get_retention::get_retention, set_retention::set_retention))
        .routes(routes!(plan_retention::plan_retention))
        .routes(routes!(apply_retention::apply_retention))
}
