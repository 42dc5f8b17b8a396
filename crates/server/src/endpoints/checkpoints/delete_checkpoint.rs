//! `DELETE /api/checkpoints/{id}`

use axum::extract::Path;
use http::StatusCode;

use crate::error::Result;
use crate::extract::{App, IdPath, SignedIn};
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
    Path(id): Path<String>,
) -> Result<StatusCode> {
    state.service().delete_checkpoint(&caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
