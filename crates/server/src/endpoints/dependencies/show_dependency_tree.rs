//! `GET /api/v1/workspaces/{id}/dependency-tree`

use axum::Json;
use backstay_api::declared::DependencyTree;
use backstay_model::SourceId;
use backstay_service::Run;

use crate::error::Result;
use crate::extract::{App, IdPath, PathId, SignedIn};
use crate::problems::{Conflicting, OfOne, Signed};
use crate::wire;

/// Lists what `graft.lock` holds and where it comes from. Without a lock it is a conflict.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{id}/dependency-tree",
    tag = "dependencies",
    params(IdPath),
    responses(
        (status = 200, description = "The locked dependencies.", body = DependencyTree),
        Signed, OfOne, Conflicting
    )
)]
pub(crate) async fn show_dependency_tree(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    PathId(id): PathId<SourceId>,
) -> Result<Json<DependencyTree>> {
    let tree = state.service().show_dependency_tree(&caller, &id, &Run::default()).await?;
    Ok(Json(wire::dependency_tree(tree)))
}
