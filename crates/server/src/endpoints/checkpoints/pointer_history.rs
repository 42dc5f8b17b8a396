//! `GET /api/v1/checkpoints/history`

use axum::Json;
use backstay_api::checkpoint::{PointerHistory, PointerQuery};

use crate::error::Result;
use crate::extract::{App, Project, Query, SignedIn};
use crate::problems::{Queried, Signed};
use crate::wire;

/// Shows the values that one JSON pointer had in the states of a job, where they changed.
#[utoipa::path(
    get,
    path = "/api/v1/checkpoints/history",
    tag = "checkpoints",
    params(PointerQuery),
    responses((status = 200, description = "The values.", body = PointerHistory), Signed, Queried)
)]
pub(crate) async fn pointer_history(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Project(project): Project,
    Query(query): Query<PointerQuery>,
) -> Result<Json<PointerHistory>> {
    let values = state.service().pointer_history(&caller, &project, &query.job_id, &query.pointer).await?;
    Ok(Json(wire::pointer_history(query.pointer, values)))
}
