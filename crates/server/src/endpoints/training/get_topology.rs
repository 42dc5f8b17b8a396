//! `GET /api/topology`

use axum::Json;
use backstay_api::telemetry::{RunQuery, Topology};

use crate::error::Result;
use crate::extract::{App, Query, SignedIn};
use crate::problems::{OfOne, Queried, Signed};

/// Shows the network of a run as a graph.
#[utoipa::path(
    get,
    path = "/api/topology",
    tag = "training",
    params(RunQuery),
    responses((status = 200, description = "Nodes and weights.", body = Topology), Signed, OfOne, Queried)
)]
pub(crate) async fn get_topology(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Query(query): Query<RunQuery>,
) -> Result<Json<Topology>> {
    Ok(Json(state.service().training_topology(&caller, query.run.as_deref()).await?))
}
