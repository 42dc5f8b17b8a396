//! `DELETE /api/checkpoints/{id}`

use http::StatusCode;

use crate::error::Result;
use crate::extract::{App, CheckpointPath, IdPath, SignedIn};
use crate::problems::{Conflicting, OfOne, Signed};

/// Deletes a checkpoint. A held one is a conflict; what later checkpoints need of it stays, unseen.
#[utoipa::path(
    delete,
    path = "/api/checkpoints/{id}",
    tag = "checkpoints",
    params(IdPath),
    responses((status = 204, description = "It is gone."), Signed, OfOne, Conflicting)
)]
pub(crate) async fn delete_checkpoint(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    CheckpointPath(id): CheckpointPath,
) -> Result<StatusCode> {
    state.service().delete_checkpoint(&caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
