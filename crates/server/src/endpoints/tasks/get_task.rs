//! `GET /api/v1/tasks/{id}`

use axum::Json;
use backstay_api::task::Task;
use backstay_model::TaskId;

use crate::error::Result;
use crate::extract::{App, IdPath, PathId, SignedIn};
use crate::problems::{OfOne, Signed};
use crate::wire;

/// Shows a task.
#[utoipa::path(
    get,
    path = "/api/v1/tasks/{id}",
    tag = "tasks",
    params(IdPath),
    responses((status = 200, description = "The task.", body = Task), Signed, OfOne)
)]
pub(crate) async fn get_task(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    PathId(id): PathId<TaskId>,
) -> Result<Json<Task>> {
    Ok(Json(wire::task(state.service().show_task(&caller, &id).await?)))
}
