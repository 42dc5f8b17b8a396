//! Health, metrics, statistics, the document and the pages.

mod document;
mod live;
mod metrics;
mod pages;
mod ready;
mod statistics;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(live::health_live))
        .routes(routes!(ready::health_ready))
        .routes(routes!(metrics::metrics))
        .routes(routes!(statistics::statistics))
        .routes(routes!(document::openapi))
        .merge(pages::routes())
}
