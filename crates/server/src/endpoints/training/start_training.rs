//! `POST /api/train/start`

use axum::Json;
use backstay_api::telemetry::{ControlOutcome, StartRequest};
use backstay_service::CommandChannel;
use backstay_service::view::TrainingCommand;

use crate::error::Result;
use crate::extract::{App, QueryOrBody, SignedIn};
use crate::problems::{Conflicting, OfOne, Signed, Storing, WithBody};

/// Trains from where the run stands, or with `reset` from epoch 0.
///
/// Parameters stand in the query or in a body; the body wins. Answers once it is in effect. What is impossible now changes nothing, and
/// `message` says why.
#[utoipa::path(
    post,
    path = "/api/train/start",
    tag = "training",
    params(StartRequest),
    request_body = Option<StartRequest>,
    responses(
        (status = 200, description = "What became of it.", body = ControlOutcome),
        Signed, OfOne, WithBody, Conflicting, Storing
    )
)]
pub(crate) async fn start_training(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    QueryOrBody(request): QueryOrBody<StartRequest>,
) -> Result<Json<ControlOutcome>> {
    let command = TrainingCommand::Start { reset: request.reset.unwrap_or(false) };
    let run = request.run.as_deref();
    Ok(Json(state.service().control_training(&caller, run, command, CommandChannel::Request).await?))
}
