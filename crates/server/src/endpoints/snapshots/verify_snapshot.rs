//! `POST /api/v1/snapshots/{id}/verify`

use axum::Json;
use axum::response::{IntoResponse, Response};
use backstay_api::snapshot::WaitQuery;
use backstay_api::task::TaskState;
use backstay_api::verify::{VerifyAnswer, VerifyDepth, VerifyRequest};
use backstay_model::SnapshotId;
use backstay_service::view;

use crate::answer::accepted;
use crate::error::Result;
use crate::extract::{App, IdPath, JsonOrDefault, PathId, Query, SignedIn};
use crate::problems::{Conflicting, OfOne, Signed, WithBody};
use crate::waiting::wait_for;
use crate::wire;

/// How long the request waits for the end when it does not say, in seconds.
const WAIT_S: u32 = 60;

/// Reads a snapshot back to prove that it is there. The result names each lost path. Without `wait` the answer comes when the snapshot
/// was read, or after a minute.
#[utoipa::path(
    post,
    path = "/api/v1/snapshots/{id}/verify",
    tag = "snapshots",
    params(IdPath, WaitQuery),
    request_body = Option<VerifyRequest>,
    responses(
        (status = 200, description = "The snapshot was verified.", body = VerifyAnswer),
        (status = 202, description = "The snapshot is being verified.", body = VerifyAnswer),
        Signed, OfOne, WithBody, Conflicting
    )
)]
pub(crate) async fn verify_snapshot(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    PathId(id): PathId<SnapshotId>,
    Query(wait): Query<WaitQuery>,
    JsonOrDefault(request): JsonOrDefault<VerifyRequest>,
) -> Result<Response> {
    let depth = match request.depth {
        VerifyDepth::Structure => view::VerifyDepth::Structure,
        VerifyDepth::Sample => view::VerifyDepth::Sample(request.sample_percent.unwrap_or(10)),
        VerifyDepth::Full => view::VerifyDepth::Full,
    };
    let scope = view::VerifyScope::Snapshots(vec![id]);
    let task = state.service().queue_verify(&caller, &scope, depth, request.restore_test).await?;
    let wait = WaitQuery { wait: wait.wait.or(Some(WAIT_S)), ..wait };
    let location = format!("/api/v1/tasks/{task}");
    let mut answer =
        VerifyAnswer { task_id: task.to_string(), state: TaskState::Queued, result: None, error: None };
    if let Some(seen) = wait_for(&state, &caller, &task, wait).await {
        answer.state = wire::task_state(seen.state);
        (answer.result, answer.error) = (seen.result, seen.error);
    }
    let is_final = answer.state.is_final();
    Ok(if is_final { Json(answer).into_response() } else { accepted(&location, answer) })
}
