//! `POST /api/v1/approvals/decisions`

use axum::Json as Answer;
use backstay_api::execution::{DecisionResult, DecisionResults, NewDecisions};

use crate::error::{ApiError, Result};
use crate::extract::{App, Json, SignedIn};
use crate::problems::{Conflicting, Signed, WithBody};
use crate::wire;

/// Decides about several approvals, each for itself, in their order.
#[utoipa::path(
    post,
    path = "/api/v1/approvals/decisions",
    tag = "executions",
    request_body = NewDecisions,
    responses(
        (status = 200, description = "What became of each.", body = DecisionResults),
        Signed, WithBody, Conflicting
    )
)]
pub(crate) async fn decide_approvals(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Json(new): Json<NewDecisions>,
) -> Result<Answer<DecisionResults>> {
    let decisions = new.decisions.into_iter().map(wire::one_decision).collect();
    let done = state.service().decide_approvals(&caller, decisions).await?;
    let results = done.into_iter().map(|done| match done {
        Ok(step) => DecisionResult { status: 200, step: Some(wire::step(step)), error: None },
        Err(error) => {
            let problem = ApiError::from(error).problem("");
            DecisionResult { status: problem.status, step: None, error: Some(problem) }
        }
    });
    Ok(Answer(DecisionResults { results: results.collect() }))
}
