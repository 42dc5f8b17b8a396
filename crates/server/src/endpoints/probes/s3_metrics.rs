//! `GET /api/v1/s3/metrics`

use axum::Json;
use backstay_api::probe::ProbedMetrics;

use crate::error::Result;
use crate::extract::{App, SignedIn};
use crate::problems::Signed;
use crate::wire;

/// Tells whether the S3 bucket of the repository answers, and what it counted. `DISABLED` when there is none.
#[utoipa::path(
    get,
    path = "/api/v1/s3/metrics",
    tag = "operation",
    responses((status = 200, description = "Whether it answers, and what it counted.", body = ProbedMetrics), Signed)
)]
pub(crate) async fn s3_metrics(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
) -> Result<Json<ProbedMetrics>> {
    Ok(Json(wire::probed_metrics(state.service().probe_s3(&caller).await?)))
}
