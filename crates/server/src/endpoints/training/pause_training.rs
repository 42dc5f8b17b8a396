//! `POST /api/train/pause`

use axum::Json;
use backstay_api::telemetry::{ControlOutcome, RunQuery};
use backstay_service::CommandChannel;
use backstay_service::view::TrainingCommand;

use crate::error::Result;
use crate::extract::{App, Query, SignedIn};
use crate::problems::{Conflicting, OfOne, Queried, Signed, Storing};

/// Interrupts training at the next epoch boundary; it can be resumed.
///
/// Answers once it is in effect. What is impossible now changes nothing, and `message` says why.
#[utoipa::path(
    post,
    path = "/api/train/pause",
    tag = "training",
    params(RunQuery),
    responses(
        (status = 200, description = "What became of it.", body = ControlOutcome),
        Signed, OfOne, Queried, Conflicting, Storing
    )
)]
pub(crate) async fn pause_training(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Query(query): Query<RunQuery>,
) -> Result<Json<ControlOutcome>> {
    let command = TrainingCommand::Pause;
    let run = query.run.as_deref();
    Ok(Json(state.service().control_training(&caller, run, command, CommandChannel::Request).await?))
}
