//! `POST /api/v1/workspaces/{id}/dependency-changes`

use axum::response::Response;
use backstay_api::dependency::NewDependencyChange;
use backstay_api::snapshot::WaitQuery;
use backstay_api::task::{TaskAccepted, TaskState};
use backstay_model::SourceId;

use crate::answer::accepted;
use crate::error::Result;
use crate::extract::{App, IdPath, Json, PathId, Query, SignedIn};
use crate::problems::{Conflicting, OfOne, Signed, Storing, WithBody};
use crate::waiting::wait_for;
use crate::wire;

/// Changes the dependencies of a workspace without running their commands: checkouts, `graft.yaml`, `graft.lock` and git's
/// own files change together or not at all. The result of the task tells what became of each dependency.
#[utoipa::path(
    post,
    path = "/api/v1/workspaces/{id}/dependency-changes",
    tag = "dependencies",
    params(IdPath, WaitQuery),
    responses(
        (status = 202, description = "It is being done.", body = TaskAccepted),
        Signed, OfOne, WithBody, Conflicting, Storing
    )
)]
pub(crate) async fn change_dependencies(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    PathId(id): PathId<SourceId>,
    Query(wait): Query<WaitQuery>,
    Json(new): Json<NewDependencyChange>,
) -> Result<Response> {
    let service = state.service().waiting_for_locks(wait.lock_wait);
    let task = service.queue_dependency_change(&caller, &id, wire::dependency_change(new)).await?;
    let ended = wait_for(&state, &caller, &task, wait).await;
    let task_state = ended.map_or(TaskState::Queued, |task| wire::task_state(task.state));
    let location = format!("/api/v1/tasks/{task}");
    Ok(accepted(&location, TaskAccepted { task_id: task.into(), state: task_state }))
}
