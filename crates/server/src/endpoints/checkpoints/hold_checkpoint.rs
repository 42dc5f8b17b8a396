//! `POST /api/v1/checkpoints/hold`

use axum::Json;
use backstay_api::checkpoint::{Checkpoint, HoldCheckpoint};

use crate::error::Result;
use crate::extract::{App, Json as Body, SignedIn};
use crate::problems::{OfOne, Signed, WithBody};
use crate::wire;

/// Places a hold: the checkpoint cannot be deleted until it is released.
#[utoipa::path(
    post,
    path = "/api/v1/checkpoints/hold",
    tag = "checkpoints",
    request_body = HoldCheckpoint,
    responses((status = 200, description = "The checkpoint.", body = Checkpoint), Signed, OfOne, WithBody)
)]
pub(crate) async fn hold_checkpoint(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Body(how): Body<HoldCheckpoint>,
) -> Result<Json<Checkpoint>> {
    let checkpoint = state.service().hold_checkpoint(&caller, &how.checkpoint_id, &how.reason).await?;
    Ok(Json(wire::checkpoint(checkpoint)))
}
