//! `POST /api/v1/workspaces/{id}/recover`

use axum::response::Response;
use backstay_api::restore::RecoverRequest;
use backstay_api::snapshot::WaitQuery;
use backstay_api::task::{TaskAccepted, TaskState};
use backstay_model::SourceId;

use crate::answer::accepted;
use crate::error::Result;
use crate::extract::{App, IdPath, JsonOrDefault, PathId, Query, SignedIn};
use crate::problems::{Conflicting, OfOne, Signed, Storing, WithBody};
use crate::waiting::wait_for;
use crate::wire;

/// Ends operations of a workspace that were cut off: one that had not committed is taken back, one that had is finished,
/// or with `backward` taken back as well. The result of the task names them. A server does this by itself before
/// it changes a workspace.
#[utoipa::path(
    post,
    path = "/api/v1/workspaces/{id}/recover",
    tag = "restores",
    params(IdPath, WaitQuery),
    request_body = Option<RecoverRequest>,
    responses(
        (status = 202, description = "It is being recovered.", body = TaskAccepted),
        Signed, OfOne, WithBody, Conflicting, Storing
    )
)]
pub(crate) async fn recover_workspace(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    PathId(id): PathId<SourceId>,
    Query(wait): Query<WaitQuery>,
    JsonOrDefault(request): JsonOrDefault<RecoverRequest>,
) -> Result<Response> {
    let service = state.service().waiting_for_locks(wait.lock_wait);
    let task = service.queue_recover(&caller, &id, request.backward).await?;
    let ended = wait_for(&state, &caller, &task, wait).await;
    let task_state = ended.map_or(TaskState::Queued, |task| wire::task_state(task.state));
    let location = format!("/api/v1/tasks/{task}");
    Ok(accepted(&location, TaskAccepted { task_id: task.into(), state: task_state }))
}
