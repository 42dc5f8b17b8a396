//! `POST /api/checkpoints/{id}/restore`

use axum::Json;
use backstay_api::checkpoint::{RestoreCheckpoint, RestoredCheckpoint};

use crate::error::Result;
use crate::extract::{App, CheckpointPath, IdPath, JsonOrDefault, SignedIn};
use crate::problems::{Conflicting, OfOne, Signed, WithBody};
use crate::wire;

/// Hands back the state of a checkpoint, and on request asks the job's executor to go on from it.
#[utoipa::path(
    post,
    path = "/api/checkpoints/{id}/restore",
    tag = "checkpoints",
    params(IdPath),
    request_body = Option<RestoreCheckpoint>,
    responses(
        (status = 200, description = "The state.", body = RestoredCheckpoint),
        Signed, OfOne, WithBody, Conflicting
    )
)]
pub(crate) async fn restore_checkpoint(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    CheckpointPath(id): CheckpointPath,
    JsonOrDefault(how): JsonOrDefault<RestoreCheckpoint>,
) -> Result<Json<RestoredCheckpoint>> {
    let restored =
        state.service().restore_checkpoint(&caller, &id, how.resume, how.reason.as_deref()).await?;
    Ok(Json(wire::restored_checkpoint(restored, state.service().clock().now())))
}
