//! `POST /api/v1/workspace-groups/{id}/snapshots`

use axum::response::Response;
use backstay_api::group::{GroupSnapshotAccepted, NewGroupSnapshot};
use backstay_api::snapshot::WaitQuery;

use super::GroupId;
use crate::answer::accepted;
use crate::error::Result;
use crate::extract::{App, IdPath, IdempotencyKey, JsonOrDefault, Query, SignedIn};
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
        WaitQuery,
        ("Idempotency-Key" = Option<String>, Header, description = "The same request sent twice does its work once.",
            min_length = 1, max_length = 200, pattern = "^[!-~]+$")
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
    IdempotencyKey(key): IdempotencyKey,
    JsonOrDefault(new): JsonOrDefault<NewGroupSnapshot>,
) -> Result<Response> {
    let queued = state.service().queue_group_snapshot(&caller, &id, &new.label, key.as_deref()).await?;
    if let Some(task) = &queued.task {
        wait_for(&state, &caller, task, wait).await?;
    }
    let body = wire::group_snapshot(queued);
    let location = body.task_id.as_ref().map(|task| format!("/api/v1/tasks/{task}")).unwrap_or_default();
    Ok(accepted(&location, body))
}
