//! `PUT /api/v1/snapshots/{id}/pin`

use axum::Json;
use backstay_api::snapshot::Snapshot;
use backstay_model::SnapshotId;

use crate::error::Result;
use crate::extract::{App, IdPath, PathId, SignedIn};
use crate::problems::{Conflicting, OfOne, Signed};
use crate::wire;

/// Pins a snapshot, so that it cannot be deleted. Pinning a pinned one changes nothing.
#[utoipa::path(
    put,
    path = "/api/v1/snapshots/{id}/pin",
    tag = "snapshots",
    params(IdPath),
    responses((status = 200, description = "The snapshot.", body = Snapshot), Signed, OfOne, Conflicting)
)]
pub(crate) async fn pin_snapshot(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    PathId(id): PathId<SnapshotId>,
) -> Result<Json<Snapshot>> {
    Ok(Json(wire::snapshot(state.service().pin_snapshot(&caller, &id).await?, true)))
}
