//! `PATCH /api/v1/snapshots/{id}`

use backstay_api::snapshot::{Snapshot, SnapshotChange};
use backstay_model::SnapshotId;
use backstay_service::view;

use crate::error::Result;
use crate::extract::{App, IdPath, Json, PathId, SignedIn};
use crate::problems::{Conflicting, OfOne, Signed, WithBody};
use crate::wire;

/// Changes the label or the description of a snapshot.
#[utoipa::path(
    patch,
    path = "/api/v1/snapshots/{id}",
    tag = "snapshots",
    params(IdPath),
    responses(
        (status = 200, description = "The snapshot as it is now.", body = Snapshot),
        Signed, OfOne, WithBody, Conflicting
    )
)]
pub(crate) async fn update_snapshot(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    PathId(id): PathId<SnapshotId>,
    Json(change): Json<SnapshotChange>,
) -> Result<axum::Json<Snapshot>> {
    let change = view::SnapshotChange { label: change.label, description: change.description };
    Ok(axum::Json(wire::snapshot(state.service().update_snapshot(&caller, &id, change).await?, true)))
}
