//! `POST /api/v1/executions`

use axum::response::Response;
use backstay_api::execution::{Execution, NewExecution};

use crate::answer::created;
use crate::error::Result;
use crate::extract::{App, Project, SignedIn, Verbatim};
use crate::problems::{Conflicting, Signed, Storing, WithBody};
use crate::wire;

/// Starts an execution of a workflow. Two with the same correlation id are two executions.
#[utoipa::path(
    post,
    path = "/api/v1/executions",
    tag = "executions",
    request_body = NewExecution,
    responses(
        (status = 201, description = "It runs.", body = Execution),
        Signed, WithBody, Conflicting, Storing
    )
)]
pub(crate) async fn start_execution(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Project(project): Project,
    Verbatim(new, _): Verbatim<NewExecution>,
) -> Result<Response> {
    let started = state.service().start_execution(&caller, &project, wire::new_execution(new)?).await?;
    Ok(created(&format!("/api/v1/executions/{}", started.execution_id), wire::execution(started)))
}
