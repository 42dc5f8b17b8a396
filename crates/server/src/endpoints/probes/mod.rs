//! Whether the services that Backstay was told to use answer.

mod postgres_metrics;
mod postgres_status;
mod s3_metrics;
mod s3_status;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(postgres_status::postgres_status))
        .routes(routes!(postgres_metrics::postgres_metrics))
        .routes(routes!(s3_status::s3_status))
        .routes(routes!(s3_metrics::s3_metrics))
}
