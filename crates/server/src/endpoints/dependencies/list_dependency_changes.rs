//! `GET /api/v1/workspaces/{id}/dependencies/{dependency}/changes`

use axum::Json;
use axum::extract::Path;
use backstay_api::dependency::{DependencyChanges, DependencyChangesQuery};
use backstay_model::SourceId;
use backstay_service::Run;
use backstay_service::view::DependencyChangeFilter;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::error::{ApiError, Result};
use crate::extract::{App, Query, SignedIn, parse_id};
use crate::problems::{Conflicting, OfOne, Queried, Signed};
use crate::wire;

/// A workspace and one of its dependencies.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct DependencyPath {
    /// The id.
    #[param(min_length = 1, max_length = 128, pattern = "^[A-Za-z0-9._-]+$")]
    pub(super) id: String,
    /// The name of the dependency.
    #[param(min_length = 1, max_length = 100, pattern = "^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    pub(super) dependency: String,
}

/// Lists the declared changes of a dependency, ancestors first. They are read from what was fetched.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{id}/dependencies/{dependency}/changes",
    tag = "dependencies",
    params(DependencyPath, DependencyChangesQuery),
    responses(
        (status = 200, description = "The declared changes.", body = DependencyChanges),
        Signed, OfOne, Queried, Conflicting
    )
)]
pub(crate) async fn list_dependency_changes(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    path: Result<Path<DependencyPath>, axum::extract::rejection::PathRejection>,
    Query(query): Query<DependencyChangesQuery>,
) -> Result<Json<DependencyChanges>> {
    let Path(path) = path.map_err(|_| ApiError::not_found("Workspace"))?;
    let id: SourceId = parse_id(&path.id)?;
    let filter = DependencyChangeFilter { kind: query.kind, from: query.from_ref, to: query.to_ref };
    let list = state
        .service()
        .list_dependency_changes(&caller, &id, &path.dependency, filter, &Run::default())
        .await?;
    Ok(Json(wire::dependency_changes(list)))
}
