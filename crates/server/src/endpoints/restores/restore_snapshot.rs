//! `POST /api/v1/workspaces/{id}/restores`

use axum::response::Response;
use backstay_api::restore::{NewRestore, OperationAccepted};
use backstay_api::snapshot::WaitQuery;
use backstay_model::{Caller, SourceId};
use backstay_service::view::QueuedOperation;

use crate::answer::accepted;
use crate::error::Result;
use crate::extract::{App, IdPath, Json, PathId, Query, SignedIn};
use crate::problems::{Conflicting, OfOne, Signed, Storing, WithBody};
use crate::state::AppState;
use crate::waiting::wait_for;
use crate::wire;

/// Executes a restore plan: lock, safety snapshot, stage, check every hash, flip. A plan for another state than the
/// present one is refused as stale (409). If anything fails, the workspace is as it was.
#[utoipa::path(
    post,
    path = "/api/v1/workspaces/{id}/restores",
    tag = "restores",
    params(
        IdPath,
        WaitQuery
    ),
    responses(
        (status = 202, description = "The restore is under way.", body = OperationAccepted),
        Signed, OfOne, WithBody, Conflicting, Storing
    )
)]
pub(crate) async fn restore_snapshot(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    PathId(id): PathId<SourceId>,
    Query(wait): Query<WaitQuery>,
    Json(new): Json<NewRestore>,
) -> Result<Response> {
    let queued =
        state.service().waiting_for_locks(wait.lock_wait).queue_restore(&caller, &id, &new.plan_id).await?;
    accepted_operation(&state, &caller, queued, wait).await
}

/// The answer to what began the operation `queued`.
pub(in crate::endpoints) async fn accepted_operation(
    state: &AppState,
    caller: &Caller,
    queued: QueuedOperation,
    wait: WaitQuery,
) -> Result<Response> {
    wait_for(state, caller, &queued.task, wait).await;
    let operation = state.service().show_operation(caller, &queued.operation).await?;
    let location = format!("/api/v1/operations/{}", queued.operation);
    let body = OperationAccepted {
        operation_id: queued.operation.into(),
        state: wire::operation_state(operation.state),
        task_id: queued.task.into(),
    };
    Ok(accepted(&location, body))
}
