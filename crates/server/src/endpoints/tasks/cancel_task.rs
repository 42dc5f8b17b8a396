//! `POST /api/v1/tasks/{id}/cancel`

use axum::Json;
use backstay_api::task::Task;
use backstay_model::TaskId;

use crate::error::Result;
use crate::extract::{App, IdPath, PathId, SignedIn};
use crate::problems::{Conflicting, OfOne, Signed};
use crate::wire;

/// Cancels a task: at once when it is queued, at its next opportunity when it runs.
#[utoipa::path(
    post,
    path = "/api/v1/tasks/{id}/cancel",
    tag = "tasks",
    params(IdPath),
    responses((status = 200, description = "The task.", body = Task), Signed, OfOne, Conflicting)
)]
pub(crate) async fn cancel_task(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    PathId(id): PathId<TaskId>,
) -> Result<Json<Task>> {
    Ok(Json(wire::task(state.service().cancel_task(&caller, &id).await?)))
}
