//! `DELETE /api/v1/training/runs/{id}`

use axum::extract::Path as RequestPath;
use http::StatusCode;

use crate::error::Result;
use crate::extract::{App, IdPath, SignedIn};
use crate::problems::{Conflicting, OfOne, Signed};

/// Removes a run with all of its snapshots: not while it trains, and not when one of them is pinned, held or the origin of a fork.
#[utoipa::path(
    delete,
    path = "/api/v1/training/runs/{id}",
    tag = "training",
    params(IdPath),
    responses((status = 204, description = "It is removed."), Signed, OfOne, Conflicting)
)]
pub(crate) async fn delete_run(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    RequestPath(named): RequestPath<String>,
) -> Result<StatusCode> {
    let run = state.service().resolve_training_run(&caller, &named).await?;
    state.service().delete_training_run(&caller, &run.id).await?;
    Ok(StatusCode::NO_CONTENT)
}
