//! `GET /api/v1/workspaces/{id}/snapshots`

use axum::Json;
use backstay_api::snapshot::{SnapshotPage, SnapshotQuery};
use backstay_model::SourceId;

use crate::endpoints::snapshots::snapshot_page;
use crate::error::Result;
use crate::extract::{App, IdPath, PathId, Query, SignedIn};
use crate::problems::{OfOne, Queried, Signed};

/// Lists the snapshots of a workspace, newest first. `source` is the workspace, whatever the query says.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{id}/snapshots",
    tag = "snapshots",
    params(IdPath, SnapshotQuery),
    responses((status = 200, description = "A page of snapshots.", body = SnapshotPage), Signed, OfOne, Queried)
)]
pub(crate) async fn list_workspace_snapshots(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    PathId(id): PathId<SourceId>,
    Query(query): Query<SnapshotQuery>,
) -> Result<Json<SnapshotPage>> {
    state.service().show_source(&caller, &id).await?;
    let query = SnapshotQuery { source: Some(id.into()), ..query };
    snapshot_page(&state, &caller, query).await
}
