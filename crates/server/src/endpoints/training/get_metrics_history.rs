//! `GET /api/metrics/history`

use axum::Json;
use backstay_api::telemetry::{MetricsHistory, MetricsQuery};

use crate::error::Result;
use crate::extract::{App, Query, SignedIn};
use crate::problems::{OfOne, Queried, Signed};

/// The most epochs.
const MOST: usize = 10_000;

/// Lists the last epochs of a run, oldest first.
#[utoipa::path(
    get,
    path = "/api/metrics/history",
    tag = "training",
    params(MetricsQuery),
    responses((status = 200, description = "The epochs.", body = MetricsHistory), Signed, OfOne, Queried)
)]
pub(crate) async fn get_metrics_history(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Query(query): Query<MetricsQuery>,
) -> Result<Json<MetricsHistory>> {
    let limit = query.limit.and_then(|text| text.parse::<usize>().ok()).unwrap_or(100).clamp(1, MOST);
    Ok(Json(state.service().training_metrics_history(&caller, query.run.as_deref(), limit).await?))
}
