//! `DELETE /api/v1/workspaces/{id}`

use backstay_model::SourceId;
use http::StatusCode;

use crate::error::Result;
use crate::extract::{App, IdPath, PathId, SignedIn};
use crate::problems::{Conflicting, OfOne, Signed};

/// Removes a workspace that has no snapshots left from Backstay's care; the directory stays as it is.
#[utoipa::path(
    delete,
    path = "/api/v1/workspaces/{id}",
    tag = "workspaces",
    params(IdPath),
    responses((status = 204, description = "It is removed."), Signed, OfOne, Conflicting)
)]
pub(crate) async fn delete_workspace(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    PathId(id): PathId<SourceId>,
) -> Result<StatusCode> {
    state.service().remove_source(&caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
