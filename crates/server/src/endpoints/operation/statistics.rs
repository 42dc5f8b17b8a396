//! `GET /api/v1/statistics`

use axum::Json;
use backstay_api::statistics::{Statistics, StatisticsQuery};

use crate::error::Result;
use crate::extract::{App, Query, SignedIn, parse_id};
use crate::problems::{OfOne, Queried, Signed};
use crate::wire;

/// Shows how much is kept and what it costs, of everything the caller sees or of one source.
#[utoipa::path(
    get,
    path = "/api/v1/statistics",
    tag = "operation",
    params(StatisticsQuery),
    responses((status = 200, description = "The statistics.", body = Statistics), Signed, OfOne, Queried)
)]
pub(crate) async fn statistics(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Query(query): Query<StatisticsQuery>,
) -> Result<Json<Statistics>> {
    let source = query.source.as_deref().map(parse_id).transpose()?;
    Ok(Json(wire::statistics(state.service().statistics(&caller, source.as_ref()).await?)))
}
