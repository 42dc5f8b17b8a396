//! `PATCH /api/v1/training/runs/{id}`

use axum::extract::Path as RequestPath;
use backstay_api::training_run::{TrainingRun, TrainingRunChange};
use backstay_service::view;

use crate::error::Result;
use crate::extract::{App, IdPath, Json, SignedIn};
use crate::problems::{OfOne, Signed, WithBody};
use crate::wire;

/// Changes what is kept of a run and when its trainer saves by itself. Keep rules apply after the next save.
#[utoipa::path(
    patch,
    path = "/api/v1/training/runs/{id}",
    tag = "training",
    params(IdPath),
    responses((status = 200, description = "The run as it is now.", body = TrainingRun), Signed, OfOne, WithBody)
)]
pub(crate) async fn update_training_run(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    RequestPath(named): RequestPath<String>,
    Json(change): Json<TrainingRunChange>,
) -> Result<axum::Json<TrainingRun>> {
    let run = state.service().resolve_training_run(&caller, &named).await?;
    let change = view::TrainingRunChange {
        keep: change.keep.map(wire::training_rules),
        auto: change.auto.map(wire::new_auto_snapshot),
    };
    let run = state.service().update_training_run(&caller, &run.id, change).await?;
    let present = state.service().present_run(&run.id);
    Ok(axum::Json(wire::training_run(run, present)))
}
