//! `POST /api/v1/snapshots/{id}/verify`

use axum::response::Response;
use backstay_api::snapshot::WaitQuery;
use backstay_api::task::{TaskAccepted, TaskState};
use backstay_api::verify::{VerifyDepth, VerifyRequest};
use backstay_model::SnapshotId;
use backstay_service::view;

use crate::answer::accepted;
use crate::error::Result;
use crate::extract::{App, IdPath, JsonOrDefault, PathId, Query, SignedIn};
use crate::problems::{Conflicting, OfOne, Signed, WithBody};
use crate::waiting::wait_for;
use crate::wire;

/// Reads a snapshot back to prove that it is there. The result of the task names each lost path.
#[utoipa::path(
    post,
    path = "/api/v1/snapshots/{id}/verify",
    tag = "snapshots",
    params(IdPath, WaitQuery),
    request_body = Option<VerifyRequest>,
    responses(
        (status = 202, description = "The snapshot is being verified.", body = TaskAccepted),
        Signed, OfOne, WithBody, Conflicting
    )
)]
pub(crate) async fn verify_snapshot(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    PathId(id): PathId<SnapshotId>,
    Query(wait): Query<WaitQuery>,
    JsonOrDefault(request): JsonOrDefault<VerifyRequest>,
) -> Result<Response> {
    let depth = match request.depth {
        VerifyDepth::Structure => view::VerifyDepth::Structure,
        VerifyDepth::Sample => view::VerifyDepth::Sample(request.sample_percent.unwrap_or(10)),
        VerifyDepth::Full => view::VerifyDepth::Full,
    };
    let scope = view::VerifyScope::Snapshots(vec![id]);
    let task = state.service().queue_verify(&caller, &scope, depth, request.restore_test).await?;
    let ended = wait_for(&state, &caller, &task, wait).await;
    let task_state = ended.map_or(TaskState::Queued, |task| wire::task_state(task.state));
    let location = format!("/api/v1/tasks/{task}");
    Ok(accepted(&location, TaskAccepted { task_id: task.into(), state: task_state }))
}
