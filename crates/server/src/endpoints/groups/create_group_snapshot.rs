//! `POST /api/v1/workspace-groups/{id}/snapshots`

use axum::response::Response;
use backstay_api::group::{GroupSnapshotAccepted, NewGroupSnapshot};
use backstay_api::snapshot::WaitQuery;

use super::GroupId;
use crate::answer::accepted;
use crate::error::Result;
use crate::extract::{App, IdPath, JsonOrDefault, Query, SignedIn};
use crate::problems::{Conflicting, OfOne, Signed, Storing, WithBody};
use crate::waiting::wait_for;
use crate::wire;

/// Captures every member of a group under all their locks: all become ready, or none.
#[utoipa::path(
    post,
    path = "/api/v1/workspace-groups/{id}/snapshots",
    tag = "groups",
    params(
        IdPath,
        WaitQuery
    ),
    request_body = Option<NewGroupSnapshot>,
    responses(
        (status = 202, description = "The members are being captured.", body = GroupSnapshotAccepted),
        Signed, OfOne, WithBody, Conflicting, Storing
    )
)]
pub(crate) async fn create_group_snapshot(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    GroupId(id): GroupId,
    Query(wait): Query<WaitQuery>,
    JsonOrDefault(new): JsonOrDefault<NewGroupSnapshot>,
) -> Result<Response> {
    let queued = state
        .service()
        .waiting_for_locks(wait.lock_wait)
        .queue_group_snapshot(&caller, &id, &new.label)
        .await?;
    if let Some(task) = &queued.task {
        wait_for(&state, &caller, task, wait).await;
    }
    let body = wire::group_snapshot(queued);
    let location = body.task_id.as_ref().map(|task| format!("/api/v1/tasks/{task}")).unwrap_or_default();
    Ok(accepted(&location, body))
}
