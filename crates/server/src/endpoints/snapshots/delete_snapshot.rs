//! `DELETE /api/v1/snapshots/{id}`

use backstay_api::snapshot::DeleteQuery;
use backstay_model::SnapshotId;
use http::StatusCode;

use crate::error::Result;
use crate::extract::{App, IdPath, PathId, Query, SignedIn};
use crate::problems::{Conflicting, OfOne, Queried, Signed};

/// Deletes a snapshot. A pinned or held one is refused.
#[utoipa::path(
    delete,
    path = "/api/v1/snapshots/{id}",
    tag = "snapshots",
    params(IdPath, DeleteQuery),
    responses((status = 204, description = "It is deleted."), Signed, OfOne, Queried, Conflicting)
)]
pub(crate) async fn delete_snapshot(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    PathId(id): PathId<SnapshotId>,
    Query(query): Query<DeleteQuery>,
) -> Result<StatusCode> {
    state.service().delete_snapshot(&caller, &id, &query.reason.unwrap_or_default()).await?;
    Ok(StatusCode::NO_CONTENT)
}
