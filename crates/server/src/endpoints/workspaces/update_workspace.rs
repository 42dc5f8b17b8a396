//! `PATCH /api/v1/workspaces/{id}`

use backstay_api::workspace::{Workspace, WorkspaceChange};
use backstay_model::SourceId;
use backstay_service::view::SourceChange;

use crate::error::{ApiError, Result};
use crate::extract::{App, IdPath, Json, PathId, SignedIn};
use crate::problems::{Conflicting, OfOne, Signed, WithBody};
use crate::wire;

/// Changes the name or the retention of a workspace.
#[utoipa::path(
    patch,
    path = "/api/v1/workspaces/{id}",
    tag = "workspaces",
    params(IdPath),
    responses(
        (status = 200, description = "The workspace as it is now.", body = Workspace),
        Signed, OfOne, WithBody, Conflicting
    )
)]
pub(crate) async fn update_workspace(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    PathId(id): PathId<SourceId>,
    Json(change): Json<WorkspaceChange>,
) -> Result<axum::Json<Workspace>> {
    let retention = change
        .retention
        .map(|rules| wire::rules(rules, "retention"))
        .transpose()
        .map_err(|error| ApiError::fields(vec![error]))?;
    let change = SourceChange { name: change.name, retention: retention.map(Some) };
    Ok(axum::Json(wire::workspace(state.service().update_source(&caller, &id, change).await?)))
}
