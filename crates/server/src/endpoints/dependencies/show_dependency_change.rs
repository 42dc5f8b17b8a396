//! `GET /api/v1/workspaces/{id}/dependencies/{dependency}/change`

use axum::Json;
use axum::extract::Path;
use backstay_api::declared::{ShownChange, ShownChangeQuery};
use backstay_model::SourceId;
use backstay_service::Run;

use super::list_dependency_changes::DependencyPath;
use crate::error::{ApiError, Result};
use crate::extract::{App, Query, SignedIn, parse_id};
use crate::problems::{Conflicting, OfOne, Queried, Signed};
use crate::wire;

/// Shows one declared change of a dependency and its commands: as declared at that ref, else at the newest commit that was
/// fetched, else in the checkout.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{id}/dependencies/{dependency}/change",
    tag = "dependencies",
    params(DependencyPath, ShownChangeQuery),
    responses(
        (status = 200, description = "The change.", body = ShownChange),
        Signed, OfOne, Queried, Conflicting
    )
)]
pub(crate) async fn show_dependency_change(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    path: Result<Path<DependencyPath>, axum::extract::rejection::PathRejection>,
    Query(query): Query<ShownChangeQuery>,
) -> Result<Json<ShownChange>> {
    let Path(path) = path.map_err(|_| ApiError::not_found("Workspace"))?;
    let id: SourceId = parse_id(&path.id)?;
    let run = Run::default();
    let service = state.service();
    let shown =
        service.show_dependency_change(&caller, &id, &path.dependency, &query.reference, &run).await?;
    Ok(Json(wire::shown_change(shown)))
}
