//! `POST /api/v1/checkpoints/fork`

use axum::response::Response;
use backstay_api::checkpoint::{Checkpoint, ForkCheckpoint};
use backstay_service::view;

use crate::answer::created;
use crate::error::Result;
use crate::extract::{App, Project, SignedIn, Verbatim};
use crate::problems::{Conflicting, OfOne, Signed, Storing, WithBody};
use crate::wire;

/// Saves the state of a checkpoint, changed by a JSON Patch on request, as a new checkpoint of the same or another job.
#[utoipa::path(
    post,
    path = "/api/v1/checkpoints/fork",
    tag = "checkpoints",
    request_body = ForkCheckpoint,
    responses((status = 201, description = "It is saved.", body = Checkpoint), Signed, OfOne, WithBody, Conflicting, Storing)
)]
pub(crate) async fn fork_checkpoint(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Project(project): Project,
    Verbatim(fork, _): Verbatim<ForkCheckpoint>,
) -> Result<Response> {
    let fork = view::ForkCheckpoint {
        checkpoint_id: fork.checkpoint_id,
        job_id: fork.job_id,
        step_name: fork.step_name,
        patch: fork.patch.map(|patch| patch.get().to_owned()),
        metadata: match &fork.metadata {
            Some(metadata) => Some(wire::object("metadata", metadata.get())?.into_string()),
            None => None,
        },
    };
    let made = state.service().fork_checkpoint(&caller, &project, fork).await?;
    Ok(created(&format!("/api/checkpoints/{}", made.checkpoint_id), wire::checkpoint(made)))
}
