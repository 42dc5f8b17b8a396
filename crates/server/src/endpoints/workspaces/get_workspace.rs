//! `GET /api/v1/workspaces/{id}`

use axum::Json;
use backstay_api::workspace::Workspace;
use backstay_model::SourceId;

use crate::error::Result;
use crate::extract::{App, IdPath, PathId, SignedIn};
use crate::problems::{OfOne, Signed};
use crate::wire;

/// Shows a workspace.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{id}",
    tag = "workspaces",
    params(IdPath),
    responses((status = 200, description = "The workspace.", body = Workspace), Signed, OfOne)
)]
pub(crate) async fn get_workspace(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    PathId(id): PathId<SourceId>,
) -> Result<Json<Workspace>> {
    Ok(Json(wire::workspace(state.service().show_source(&caller, &id).await?)))
}
