//! `GET /api/v1/checkpoints/tree`

use axum::Json;
use backstay_api::checkpoint::{CheckpointTree, JobQuery};

use crate::error::Result;
use crate::extract::{App, Project, Query, SignedIn};
use crate::problems::{Queried, Signed};
use crate::wire;

/// Shows which checkpoint of a job follows which.
#[utoipa::path(
    get,
    path = "/api/v1/checkpoints/tree",
    tag = "checkpoints",
    params(JobQuery),
    responses((status = 200, description = "The tree.", body = CheckpointTree), Signed, Queried)
)]
pub(crate) async fn checkpoint_tree(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Project(project): Project,
    Query(query): Query<JobQuery>,
) -> Result<Json<CheckpointTree>> {
    let nodes = state.service().checkpoint_tree(&caller, &project, &query.job_id).await?;
    Ok(Json(wire::checkpoint_tree(query.job_id, nodes)))
}
