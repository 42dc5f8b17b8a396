//! `GET /api/decision_boundary`

use axum::Json;
use backstay_api::telemetry::{BoundaryQuery, DecisionBoundary};

use crate::error::Result;
use crate::extract::{App, Query, SignedIn};
use crate::problems::{Conflicting, OfOne, Queried, Signed};

/// Shows what a network of two inputs says over the square in which its data lie.
#[utoipa::path(
    get,
    path = "/api/decision_boundary",
    tag = "training",
    params(BoundaryQuery),
    responses(
        (status = 200, description = "What it says at each point.", body = DecisionBoundary),
        Signed, OfOne, Queried, Conflicting
    )
)]
pub(crate) async fn get_decision_boundary(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Query(query): Query<BoundaryQuery>,
) -> Result<Json<DecisionBoundary>> {
    let resolution = query.resolution.unwrap_or(100);
    Ok(Json(state.service().decision_boundary(&caller, query.run.as_deref(), resolution).await?))
}
