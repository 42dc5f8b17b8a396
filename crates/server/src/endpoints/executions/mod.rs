//! Executions of workflows, their steps and approvals.

mod approve_step;
mod cancel_execution;
mod clean_executions;
mod complete_execution;
mod complete_step;
mod create_step;
mod decide_approvals;
mod deny_step;
mod execution_events;
mod fail_execution;
mod fork_execution;
mod get_execution;
mod get_step;
mod list_approvals;
mod list_executions;
mod list_steps;
mod pause_execution;
mod resume_execution;
mod start_execution;
mod wait_step;

use axum::extract::{FromRequestParts, Path};
use backstay_api::FieldError;
use backstay_service::view::WhichStep;
use http::request::Parts;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::{ApiError, Result};
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_executions::list_executions, start_execution::start_execution))
        .routes(routes!(clean_executions::clean_executions))
        .routes(routes!(get_execution::get_execution))
        .routes(routes!(execution_events::execution_events))
        .routes(routes!(pause_execution::pause_execution))
        .routes(routes!(resume_execution::resume_execution))
        .routes(routes!(complete_execution::complete_execution))
        .routes(routes!(fail_execution::fail_execution))
        .routes(routes!(cancel_execution::cancel_execution))
        .routes(routes!(fork_execution::fork_execution))
        .routes(routes!(list_steps::list_steps, create_step::create_step))
        .routes(routes!(get_step::get_step))
        .routes(routes!(complete_step::complete_step))
        .routes(routes!(approve_step::approve_step))
        .routes(routes!(deny_step::deny_step))
        .routes(routes!(wait_step::wait_step))
        .routes(routes!(list_approvals::list_approvals))
        .routes(routes!(decide_approvals::decide_approvals))
}

/// The documentation of a path to a step.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "it documents the path; `StepPath` reads it")]
struct StepOfExecution {
    /// The id of the execution.
    #[param(min_length = 1, max_length = 128, pattern = "^[A-Za-z0-9._-]+$")]
    id: String,
    /// The id of the step, or `-` with `checkpoint_name` in the query.
    #[param(min_length = 1, max_length = 128, pattern = "^[A-Za-z0-9._-]+$")]
    step: String,
}

/// The id of an execution in a path, as it was sent.
struct ExecutionPath(String);

impl FromRequestParts<AppState> for ExecutionPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let text = Path::<String>::from_request_parts(parts, state).await;
        text.map(|Path(text)| Self(text)).map_err(|_| ApiError::not_found("Execution"))
    }
}

/// The ids of an execution and a step in a path, as they were sent.
struct StepPath {
    execution: String,
    step: String,
}

impl FromRequestParts<AppState> for StepPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let texts = Path::<(String, String)>::from_request_parts(parts, state).await;
        texts
            .map(|Path((execution, step))| Self { execution, step })
            .map_err(|_| ApiError::not_found("Execution"))
    }
}

impl StepPath {
    /// Which step is meant: the id in the path, or for `-` the name in the query.
    fn which(&self, checkpoint_name: Option<String>) -> Result<WhichStep> {
        match (self.step.as_str(), checkpoint_name) {
            ("-", Some(name)) => Ok(WhichStep::Named(name)),
            ("-", None) => {
                let error = FieldError::new("checkpoint_name", "it is needed where the path has `-`");
                Err(ApiError::fields(vec![error]))
            }
            (id, None) => Ok(WhichStep::Id(id.to_owned())),
            (_, Some(_)) => {
                let error = FieldError::new("checkpoint_name", "the path names the step already");
                Err(ApiError::fields(vec![error]))
            }
        }
    }
}
