//! `GET /api/checkpoints`

use axum::Json;
use backstay_api::checkpoint::{CheckpointList, CheckpointQuery, Order};
use backstay_service::view::CheckpointFilter;

use crate::error::Result;
use crate::extract::{App, Project, Query, SignedIn};
use crate::problems::{Queried, Signed};
use crate::wire;

/// Lists the checkpoints of a job by their sequence, without their states. An unknown job has none.
#[utoipa::path(
    get,
    path = "/api/checkpoints",
    tag = "checkpoints",
    params(CheckpointQuery),
    responses((status = 200, description = "A page of checkpoints.", body = CheckpointList), Signed, Queried)
)]
pub(crate) async fn list_checkpoints(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Project(project): Project,
    Query(query): Query<CheckpointQuery>,
) -> Result<Json<CheckpointList>> {
    let filter = CheckpointFilter {
        step_name: query.step_name,
        newest_first: query.order == Some(Order::Desc),
        offset: query.offset.unwrap_or(0),
        limit: query.limit.unwrap_or(1000),
    };
    let page = state.service().list_checkpoints(&caller, &project, &query.job_id, &filter).await?;
    Ok(Json(CheckpointList {
        job_id: query.job_id,
        checkpoints: page.items.into_iter().map(wire::checkpoint).collect(),
        total: page.total,
        timestamp: state.service().clock().now(),
    }))
}
