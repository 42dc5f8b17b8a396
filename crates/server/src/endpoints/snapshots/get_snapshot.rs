//! `GET, HEAD /api/v1/snapshots/{id}`

use axum::Json;
use backstay_api::snapshot::Snapshot;
use backstay_model::{Kind, SnapshotId};

use crate::error::Result;
use crate::extract::{App, IdPath, PathId, SignedIn};
use crate::problems::{OfOne, Signed};
use crate::wire;

/// Shows a snapshot with its warnings and attributes: of training, those of the root of its HDF5 file. `HEAD` tells only whether it exists.
#[utoipa::path(
    method(get, head),
    path = "/api/v1/snapshots/{id}",
    tag = "snapshots",
    params(IdPath),
    responses((status = 200, description = "The snapshot.", body = Snapshot), Signed, OfOne)
)]
pub(crate) async fn get_snapshot(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    PathId(id): PathId<SnapshotId>,
) -> Result<Json<Snapshot>> {
    let mut snapshot = state.service().show_snapshot(&caller, &id).await?;
    if snapshot.kind == Kind::Training {
        snapshot.attributes = state.service().training_attributes(&caller, &id).await?;
    }
    Ok(Json(wire::snapshot(snapshot, true)))
}
