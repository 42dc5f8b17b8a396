//! `POST /api/v1/workspace-groups/{id}/restores`

use axum::response::Response;
use backstay_api::group::{GroupRestoreAccepted, NewGroupRestore};
use backstay_api::snapshot::WaitQuery;

use super::GroupId;
use crate::answer::accepted;
use crate::error::Result;
use crate::extract::{App, IdPath, Json, Query, SignedIn};
use crate::problems::{Conflicting, OfOne, Signed, Storing, WithBody};
use crate::waiting::wait_for;
use crate::wire;

/// Puts a captured group back, every member under all locks.
#[utoipa::path(
    post,
    path = "/api/v1/workspace-groups/{id}/restores",
    tag = "groups",
    params(IdPath, WaitQuery),
    responses(
        (status = 202, description = "The members are being restored.", body = GroupRestoreAccepted),
        Signed, OfOne, WithBody, Conflicting, Storing
    )
)]
pub(crate) async fn restore_group(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    GroupId(id): GroupId,
    Query(wait): Query<WaitQuery>,
    Json(new): Json<NewGroupRestore>,
) -> Result<Response> {
    let queued = state
        .service()
        .waiting_for_locks(wait.lock_wait)
        .queue_group_restore(&caller, &id, &new.group_snapshot_id)
        .await?;
    if let Some(task) = &queued.task {
        wait_for(&state, &caller, task, wait).await;
    }
    let body = wire::group_restore(queued);
    let location = body.task_id.as_ref().map(|task| format!("/api/v1/tasks/{task}")).unwrap_or_default();
    Ok(accepted(&location, body))
}
