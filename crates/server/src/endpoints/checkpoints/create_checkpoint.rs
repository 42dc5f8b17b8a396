//! `POST /api/checkpoints`

use axum::response::Response;
use backstay_api::checkpoint::{Checkpoint, NewCheckpoint};
use backstay_service::{ServiceError, State, view};

use crate::answer::created;
use crate::error::Result;
use crate::extract::{App, Project, SignedIn, Verbatim};
use crate::problems::{Conflicting, Signed, Storing, WithBody};
use crate::wire;

/// Saves a state of a job; it is on disk when the answer comes.
#[utoipa::path(
    post,
    path = "/api/checkpoints",
    tag = "checkpoints",
    request_body = NewCheckpoint,
    responses(
        (status = 201, description = "It is saved.", body = Checkpoint),
        Signed, WithBody, Conflicting, Storing
    )
)]
pub(crate) async fn create_checkpoint(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Project(project): Project,
    Verbatim(new, _): Verbatim<NewCheckpoint>,
) -> Result<Response> {
    let made = state.service().create_checkpoint(&caller, &project, to_view(new)?).await?;
    Ok(created(&format!("/api/checkpoints/{}", made.checkpoint_id), wire::checkpoint(made)))
}

/// Checks the state and the metadata, which were not looked into yet.
#[expect(clippy::result_large_err, reason = "it is the error of the layer that asks")]
pub(super) fn to_view(new: NewCheckpoint) -> Result<view::NewCheckpoint, ServiceError> {
    let state = wire::object("state", new.state.get())?;
    with_state(new, Some(state))
}

/// The same with a state that was looked into, or none.
#[expect(clippy::result_large_err, reason = "it is the error of the layer that asks")]
pub(super) fn with_state(
    new: NewCheckpoint,
    state: Option<State>,
) -> Result<view::NewCheckpoint, ServiceError> {
    let metadata = match &new.metadata {
        None => None,
        Some(metadata) => Some(wire::object("metadata", metadata.get())?.into_string()),
    };
    Ok(view::NewCheckpoint {
        state,
        job_id: new.job_id,
        step_name: new.step_name,
        metadata,
        workflow_name: new.workflow_name,
        workflow_version: new.workflow_version,
        parent_id: new.parent_id,
        execution_id: new.execution_id,
        ttl_s: new.ttl_s,
        pinned: new.pinned,
        epoch: new.epoch,
    })
}
