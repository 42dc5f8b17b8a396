//! `POST /api/v1/executors`

use axum::response::Response;
use backstay_api::executor::{CreatedExecutor, NewExecutor};

use crate::answer::created;
use crate::error::Result;
use crate::extract::{App, Json, Project, SignedIn};
use crate::problems::{Conflicting, Signed, WithBody};
use crate::wire;

/// Registers an executor: what lets jobs of a project go on from a state that was restored. Its secret is shown this once.
#[utoipa::path(
    post,
    path = "/api/v1/executors",
    tag = "executors",
    request_body = NewExecutor,
    responses(
        (status = 201, description = "The executor and its secret.", body = CreatedExecutor),
        Signed, WithBody, Conflicting
    )
)]
pub(crate) async fn create_executor(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Project(project): Project,
    Json(new): Json<NewExecutor>,
) -> Result<Response> {
    let made = state.service().create_executor(&caller, &project, wire::new_executor(new)?).await?;
    let location = format!("/api/v1/executors/{}", made.executor.executor_id);
    Ok(created(&location, wire::created_executor(made)))
}
