//! `DELETE /api/v1/holds/{id}`

use backstay_model::HoldId;
use http::StatusCode;

use crate::error::Result;
use crate::extract::{App, IdPath, PathId, SignedIn};
use crate::problems::{Conflicting, OfOne, Signed};

/// Releases a hold.
#[utoipa::path(
    delete,
    path = "/api/v1/holds/{id}",
    tag = "snapshots",
    params(IdPath),
    responses((status = 204, description = "It is released."), Signed, OfOne, Conflicting)
)]
pub(crate) async fn release_hold(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    PathId(id): PathId<HoldId>,
) -> Result<StatusCode> {
    state.service().release_hold(&caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
