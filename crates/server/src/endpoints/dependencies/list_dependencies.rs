//! `GET /api/v1/workspaces/{id}/dependencies`

use axum::Json;
use backstay_api::dependency::{DependencyList, DependencyQuery};
use backstay_model::SourceId;
use backstay_service::Run;

use crate::error::Result;
use crate::extract::{App, IdPath, PathId, Query, SignedIn};
use crate::problems::{Conflicting, OfOne, Queried, Signed};
use crate::wire;

/// Lists the locked dependencies of a workspace, with `updates` also what is newer. Nothing is fetched for it.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{id}/dependencies",
    tag = "dependencies",
    params(IdPath, DependencyQuery),
    responses(
        (status = 200, description = "What graft.lock holds.", body = DependencyList),
        Signed, OfOne, Queried, Conflicting
    )
)]
pub(crate) async fn list_dependencies(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    PathId(id): PathId<SourceId>,
    Query(query): Query<DependencyQuery>,
) -> Result<Json<DependencyList>> {
    let updates = query.updates.unwrap_or(false);
    let list = state.service().list_dependencies(&caller, &id, updates, &Run::default()).await?;
    Ok(Json(wire::dependency_list(list)))
}
