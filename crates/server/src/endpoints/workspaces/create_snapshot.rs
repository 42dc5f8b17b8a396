//! `POST /api/v1/workspaces/{id}/snapshots`

use axum::response::Response;
use backstay_api::snapshot::{NewSnapshot, SnapshotAccepted, WaitQuery};
use backstay_model::{SnapshotState, SourceId};
use backstay_service::view;

use crate::answer::accepted;
use crate::error::Result;
use crate::extract::{App, IdPath, JsonOrDefault, PathId, Query, SignedIn};
use crate::problems::{Conflicting, OfOne, Signed, Storing, WithBody};
use crate::waiting::wait_for;

/// Takes a snapshot of a workspace.
///
/// The snapshot exists at once, in state `creating`, and a task captures it. With `wait` the answer comes when the task
/// has ended or the time is over, with the state of then.
#[utoipa::path(
    post,
    path = "/api/v1/workspaces/{id}/snapshots",
    tag = "snapshots",
    params(
        IdPath,
        WaitQuery
    ),
    request_body = Option<NewSnapshot>,
    responses(
        (status = 202, description = "The snapshot is being taken.", body = SnapshotAccepted),
        Signed, OfOne, WithBody, Conflicting, Storing
    )
)]
pub(crate) async fn create_snapshot(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    PathId(id): PathId<SourceId>,
    Query(wait): Query<WaitQuery>,
    JsonOrDefault(new): JsonOrDefault<NewSnapshot>,
) -> Result<Response> {
    let queued =
        state.service().waiting_for_locks(wait.lock_wait).queue_snapshot(&caller, &id, to_view(new)).await?;
    let mut snapshot_state = SnapshotState::Creating;
    if wait_for(&state, &caller, &queued.task, wait).await.is_some() {
        snapshot_state = state.service().show_snapshot(&caller, &queued.id).await?.state;
    }
    let location = format!("/api/v1/snapshots/{}", queued.id);
    let body = SnapshotAccepted { id: queued.id.into(), state: snapshot_state, task_id: queued.task.into() };
    Ok(accepted(&location, body))
}

fn to_view(new: NewSnapshot) -> view::NewSnapshot {
    view::NewSnapshot {
        label: new.label,
        description: new.description,
        paths: new.paths,
        excludes: new.excludes,
        respect_gitignore: new.respect_gitignore,
        with_git: new.with_git,
        cross_mounts: new.cross_mounts,
        allow_unreadable: new.allow_unreadable,
        allow_missing: false,
        strict: new.strict,
        pin: new.pin,
        trigger: None,
    }
}
