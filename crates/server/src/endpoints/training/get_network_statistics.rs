//! `GET /api/network/stats`

use axum::Json;
use backstay_api::telemetry::{NetworkStatistics, RunQuery};

use crate::error::Result;
use crate::extract::{App, Query, SignedIn};
use crate::problems::{OfOne, Queried, Signed};

/// Shows the network of a run in numbers.
#[utoipa::path(
    get,
    path = "/api/network/stats",
    tag = "training",
    params(RunQuery),
    responses((status = 200, description = "The statistics.", body = NetworkStatistics), Signed, OfOne, Queried)
)]
pub(crate) async fn get_network_statistics(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Query(query): Query<RunQuery>,
) -> Result<Json<NetworkStatistics>> {
    Ok(Json(state.service().network_statistics(&caller, query.run.as_deref()).await?))
}
