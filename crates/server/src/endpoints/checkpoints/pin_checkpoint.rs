//! `POST /api/v1/checkpoints/pin`

use axum::Json;
use backstay_api::checkpoint::{Checkpoint, PinCheckpoint};

use crate::error::Result;
use crate::extract::{App, Json as Body, SignedIn};
use crate::problems::{OfOne, Signed, WithBody};
use crate::wire;

/// Pins a checkpoint, so that no retention removes it, or unpins it.
#[utoipa::path(
    post,
    path = "/api/v1/checkpoints/pin",
    tag = "checkpoints",
    request_body = PinCheckpoint,
    responses((status = 200, description = "The checkpoint.", body = Checkpoint), Signed, OfOne, WithBody)
)]
pub(crate) async fn pin_checkpoint(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Body(how): Body<PinCheckpoint>,
) -> Result<Json<Checkpoint>> {
    let checkpoint = state.service().pin_checkpoint(&caller, &how.checkpoint_id, how.pinned).await?;
    Ok(Json(wire::checkpoint(checkpoint)))
}
