//! `DELETE /api/v1/snapshots/{id}/pin`

use axum::Json;
use backstay_api::snapshot::Snapshot;
use backstay_model::SnapshotId;

use crate::error::Result;
use crate::extract::{App, IdPath, PathId, SignedIn};
use crate::problems::{Conflicting, OfOne, Signed};
use crate::wire;

/// Takes the pin off a snapshot. Other holds stay.
#[utoipa::path(
    delete,
    path = "/api/v1/snapshots/{id}/pin",
    tag = "snapshots",
    params(IdPath),
    responses((status = 200, description = "The snapshot.", body = Snapshot), Signed, OfOne, Conflicting)
)]
pub(crate) async fn unpin_snapshot(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    PathId(id): PathId<SnapshotId>,
) -> Result<Json<Snapshot>> {
    Ok(Json(wire::snapshot(state.service().unpin_snapshot(&caller, &id).await?, true)))
}
