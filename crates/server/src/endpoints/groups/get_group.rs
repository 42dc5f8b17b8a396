//! `GET /api/v1/workspace-groups/{id}`

use axum::Json;
use backstay_api::group::WorkspaceGroup;

use super::GroupId;
use crate::error::Result;
use crate::extract::{App, IdPath, SignedIn};
use crate::problems::{OfOne, Signed};
use crate::wire;

/// Shows a group.
#[utoipa::path(
    get,
    path = "/api/v1/workspace-groups/{id}",
    tag = "groups",
    params(IdPath),
    responses((status = 200, description = "The group.", body = WorkspaceGroup), Signed, OfOne)
)]
pub(crate) async fn get_workspace_group(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    GroupId(id): GroupId,
) -> Result<Json<WorkspaceGroup>> {
    Ok(Json(wire::group(state.service().show_group(&caller, &id).await?)))
}
