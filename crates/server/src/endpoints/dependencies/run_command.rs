//! `POST /api/v1/workspaces/{id}/command-runs`

use axum::response::Response;
use backstay_api::declared::NewCommandRun;
use backstay_api::restore::OperationAccepted;
use backstay_api::snapshot::WaitQuery;
use backstay_model::SourceId;

use crate::endpoints::restores::accepted_operation;
use crate::error::Result;
use crate::extract::{App, IdPath, Json, PathId, Query, SignedIn};
use crate::problems::{Conflicting, OfOne, Signed, Storing, WithBody};
use crate::wire;

/// Runs a declared command or sequence in the workspace. What it says is at `/operations/{id}/output`; the result of the task
/// has the exit codes, also when the command fails. There is no undo.
#[utoipa::path(
    post,
    path = "/api/v1/workspaces/{id}/command-runs",
    tag = "dependencies",
    params(IdPath, WaitQuery),
    responses(
        (status = 202, description = "It is under way.", body = OperationAccepted),
        Signed, OfOne, WithBody, Conflicting, Storing
    )
)]
pub(crate) async fn run_command(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    PathId(id): PathId<SourceId>,
    Query(wait): Query<WaitQuery>,
    Json(new): Json<NewCommandRun>,
) -> Result<Response> {
    let service = state.service().waiting_for_locks(wait.lock_wait);
    let queued = service.queue_command(&caller, &id, wire::command_run(new)).await?;
    accepted_operation(&state, &caller, queued, wait).await
}
