//! `POST /api/v1/training/runs/{id}/prune`

use axum::Json;
use axum::extract::Path as RequestPath;
use backstay_api::prune::PruneResult;
use backstay_api::training_run::TrainingPrune;

use crate::error::Result;
use crate::extract::{App, IdPath, JsonOrDefault, SignedIn};
use crate::problems::{Conflicting, OfOne, Signed, WithBody};
use crate::wire;

/// Decides which snapshots of a run stay, with reasons; deletes the others unless `dry_run`, which is true unless said otherwise.
#[utoipa::path(
    post,
    path = "/api/v1/training/runs/{id}/prune",
    tag = "training",
    params(IdPath),
    request_body = Option<TrainingPrune>,
    responses(
        (status = 200, description = "A decision per snapshot, newest first.", body = PruneResult),
        Signed, OfOne, WithBody, Conflicting
    )
)]
pub(crate) async fn cleanup_training(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    RequestPath(named): RequestPath<String>,
    JsonOrDefault(request): JsonOrDefault<TrainingPrune>,
) -> Result<Json<PruneResult>> {
    let run = state.service().resolve_training_run(&caller, &named).await?;
    let rules = request.rules.map(wire::training_rules);
    let done = state.service().cleanup_training(&caller, &run.id, rules, request.dry_run).await?;
    Ok(Json(wire::training_cleanup(done)))
}
