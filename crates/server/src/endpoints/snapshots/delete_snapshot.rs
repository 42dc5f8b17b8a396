//! `DELETE /api/v1/snapshots/{id}`

use backstay_model::SnapshotId;
use http::StatusCode;

use crate::error::Result;
use crate::extract::{App, IdPath, PathId, SignedIn};
use crate::problems::{Conflicting, OfOne, Signed};

/// Deletes a snapshot. A pinned or held one is refused.
#[utoipa::path(
    delete,
    path = "/api/v1/snapshots/{id}",
    tag = "snapshots",
    params(IdPath),
    responses((status = 204, description = "It is deleted."), Signed, OfOne, Conflicting)
)]
pub(crate) async fn delete_snapshot(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    PathId(id): PathId<SnapshotId>,
) -> Result<StatusCode> {
    state.service().delete_snapshot(&caller, &id, "").await?;
    Ok(StatusCode::NO_CONTENT)
}
