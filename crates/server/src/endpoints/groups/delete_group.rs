//! `DELETE /api/v1/workspace-groups/{id}`

use http::StatusCode;

use super::GroupId;
use crate::error::Result;
use crate::extract::{App, IdPath, SignedIn};
use crate::problems::{Conflicting, OfOne, Signed};

/// Removes a group. Its workspaces and snapshots stay.
#[utoipa::path(
    delete,
    path = "/api/v1/workspace-groups/{id}",
    tag = "groups",
    params(IdPath),
    responses((status = 204, description = "It is removed."), Signed, OfOne, Conflicting)
)]
pub(crate) async fn delete_workspace_group(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    GroupId(id): GroupId,
) -> Result<StatusCode> {
    state.service().remove_group(&caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
