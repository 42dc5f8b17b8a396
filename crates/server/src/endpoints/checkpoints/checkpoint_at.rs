//! `GET /api/v1/checkpoints/at`

use axum::Json;
use backstay_api::checkpoint::{AtQuery, Checkpoint};

use crate::error::Result;
use crate::extract::{App, Project, Query, SignedIn};
use crate::problems::{OfOne, Queried, Signed};
use crate::wire;

/// Shows the newest checkpoint of a job that was saved no later than a time, with its state.
#[utoipa::path(
    get,
    path = "/api/v1/checkpoints/at",
    tag = "checkpoints",
    params(AtQuery),
    responses((status = 200, description = "The checkpoint.", body = Checkpoint), Signed, OfOne, Queried)
)]
pub(crate) async fn checkpoint_at(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Project(project): Project,
    Query(query): Query<AtQuery>,
) -> Result<Json<Checkpoint>> {
    let found = state.service().checkpoint_at(&caller, &project, &query.job_id, query.time).await?;
    Ok(Json(wire::checkpoint_state(found)))
}
