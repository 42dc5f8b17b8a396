//! `POST /api/v1/executions`

use axum::response::Response;
use backstay_api::execution::{Execution, NewExecution};
use backstay_service::view;
use serde_json::value::RawValue;

use crate::answer::created;
use crate::endpoints::checkpoints::object;
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
    let new = view::NewExecution {
        initial_data: data("initial_data", new.initial_data.as_deref())?,
        correlation_id: new.correlation_id,
        workflow_name: new.workflow_name,
        job_id: new.job_id,
    };
    let started = state.service().start_execution(&caller, &project, new).await?;
    Ok(created(&format!("/api/v1/executions/{}", started.execution_id), wire::execution(started)))
}

/// An object that was sent, kept as it is.
pub(super) fn data(field: &str, text: Option<&RawValue>) -> Result<Option<backstay_service::State>> {
    Ok(text.map(|text| object(field, text.get())).transpose()?)
}
