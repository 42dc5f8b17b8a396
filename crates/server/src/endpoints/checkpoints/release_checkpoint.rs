//! `POST /api/v1/checkpoints/release`

use axum::Json;
use backstay_api::checkpoint::{Checkpoint, ReleaseCheckpoint};

use crate::error::Result;
use crate::extract::{App, Json as Body, SignedIn};
use crate::problems::{OfOne, Signed, WithBody};
use crate::wire;

/// Ends the hold of a checkpoint.
#[utoipa::path(
    post,
    path = "/api/v1/checkpoints/release",
    tag = "checkpoints",
    request_body = ReleaseCheckpoint,
    responses((status = 200, description = "The checkpoint.", body = Checkpoint), Signed, OfOne, WithBody)
)]
pub(crate) async fn release_checkpoint(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Body(how): Body<ReleaseCheckpoint>,
) -> Result<Json<Checkpoint>> {
    let checkpoint = state.service().release_checkpoint(&caller, &how.checkpoint_id).await?;
    Ok(Json(wire::checkpoint(checkpoint)))
}
