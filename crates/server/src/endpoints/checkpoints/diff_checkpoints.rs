//! `GET /api/v1/checkpoints/diff`

use axum::Json;
use backstay_api::checkpoint::{DiffQuery, StateDiff};

use crate::error::Result;
use crate::extract::{App, Query, SignedIn};
use crate::problems::{OfOne, Queried, Signed};
use crate::wire;

/// Shows the difference of two states, with aligned lists, as a JSON Patch and with the values before.
#[utoipa::path(
    get,
    path = "/api/v1/checkpoints/diff",
    tag = "checkpoints",
    params(DiffQuery),
    responses((status = 200, description = "The difference.", body = StateDiff), Signed, OfOne, Queried)
)]
pub(crate) async fn diff_checkpoints(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Query(query): Query<DiffQuery>,
) -> Result<Json<StateDiff>> {
    let changes = state.service().diff_checkpoints(&caller, &query.from, &query.to).await?;
    Ok(Json(wire::state_diff(query.from, query.to, changes)))
}
