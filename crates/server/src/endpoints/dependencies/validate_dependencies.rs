//! `GET /api/v1/workspaces/{id}/dependency-validation`

use axum::Json;
use backstay_api::declared::{DependencyValidation, ValidationQuery};
use backstay_model::SourceId;
use backstay_service::Run;

use crate::error::Result;
use crate::extract::{App, IdPath, PathId, Query, SignedIn};
use crate::problems::{Conflicting, OfOne, Queried, Signed};
use crate::wire;

/// Looks whether `graft.yaml` and `graft.lock` are right and each checkout is what the lock says. What is wrong is part of the
/// answer. Nothing is fetched and nothing is changed.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{id}/dependency-validation",
    tag = "dependencies",
    params(IdPath, ValidationQuery),
    responses(
        (status = 200, description = "What was found.", body = DependencyValidation),
        Signed, OfOne, Queried, Conflicting
    )
)]
pub(crate) async fn validate_dependencies(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    PathId(id): PathId<SourceId>,
    Query(query): Query<ValidationQuery>,
) -> Result<Json<DependencyValidation>> {
    let what = wire::validated(query);
    let found = state.service().validate_dependencies(&caller, &id, what, &Run::default()).await?;
    Ok(Json(wire::dependency_validation(found)))
}
