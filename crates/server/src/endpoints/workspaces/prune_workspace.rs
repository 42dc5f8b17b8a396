//! `POST /api/v1/workspaces/{id}/prune`

use backstay_api::prune::{PruneRequest, PruneResult};
use backstay_model::SourceId;

use crate::error::{ApiError, Result};
use crate::extract::{App, IdPath, JsonOrDefault, PathId, SignedIn};
use crate::problems::{Conflicting, OfOne, Signed, WithBody};
use crate::wire;

/// Decides which snapshots of a workspace to keep, with reasons, and deletes the others unless it is a dry run, which
/// it is when not said otherwise.
#[utoipa::path(
    post,
    path = "/api/v1/workspaces/{id}/prune",
    tag = "snapshots",
    params(IdPath),
    request_body = Option<PruneRequest>,
    responses(
        (status = 200, description = "The decisions.", body = PruneResult),
        Signed, OfOne, WithBody, Conflicting
    )
)]
pub(crate) async fn prune_workspace(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    PathId(id): PathId<SourceId>,
    JsonOrDefault(request): JsonOrDefault<PruneRequest>,
) -> Result<axum::Json<PruneResult>> {
    let rules = request
        .rules
        .map(|rules| wire::rules(rules, "rules"))
        .transpose()
        .map_err(|error| ApiError::fields(vec![error]))?;
    let result = state.service().prune_snapshots(&caller, &id, rules, request.dry_run).await?;
    Ok(axum::Json(wire::prune_result(result)))
}
