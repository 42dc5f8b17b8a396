//! `GET /api/v1/executions/{id}/checkpoints/{step}/wait`

use std::time::Duration;

use axum::Json;
use backstay_api::execution::{Step, StepWaitQuery};

use super::{StepOfExecution, StepPath};
use crate::error::Result;
use crate::extract::{App, Query, SignedIn};
use crate::problems::{Conflicting, OfOne, Queried, Signed};
use crate::wire;

/// Waits until a step may act or has ended, and shows it as it is then or when the time is over.
#[utoipa::path(
    get,
    path = "/api/v1/executions/{id}/checkpoints/{step}/wait",
    tag = "executions",
    params(StepOfExecution, StepWaitQuery),
    responses((status = 200, description = "The step.", body = Step), Signed, OfOne, Queried, Conflicting)
)]
pub(crate) async fn wait_step(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    path: StepPath,
    Query(query): Query<StepWaitQuery>,
) -> Result<Json<Step>> {
    let which = path.which(query.checkpoint_name)?;
    let timeout = Duration::from_secs(query.timeout_s.unwrap_or(30).into());
    let step = state.service().wait_step(&caller, &path.execution, &which, timeout).await?;
    Ok(Json(wire::step(step)))
}
