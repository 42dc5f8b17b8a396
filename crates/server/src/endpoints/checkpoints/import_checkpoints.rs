//! `POST /api/v1/checkpoints/import`

use axum::response::Response;
use backstay_api::checkpoint::{CheckpointResults, CreatedCheckpoints, NewCheckpoint, NewCheckpoints};
use backstay_service::{ServiceError, view};

use super::create_checkpoint::{to_view, with_state};
use super::create_checkpoints::save_all;
use crate::error::Result;
use crate::extract::{App, Project, SignedIn, Verbatim};
use crate::problems::{Conflicting, Signed, Storing, WithBody};

/// Saves checkpoints of another program: like a batch, but a `state` may be `null`, as programs leave it that failed while they
/// saved. Such a checkpoint is listed; reading or restoring it is a 400.
#[utoipa::path(
    post,
    path = "/api/v1/checkpoints/import",
    tag = "checkpoints",
    request_body = NewCheckpoints,
    responses(
        (status = 201, description = "All are saved.", body = CreatedCheckpoints),
        (status = 200, description = "Each was tried for itself.", body = CheckpointResults),
        Signed, WithBody, Conflicting, Storing
    )
)]
pub(crate) async fn import_checkpoints(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Project(project): Project,
    Verbatim(new, bytes): Verbatim<NewCheckpoints>,
) -> Result<Response> {
    save_all(&state, &caller, &project, &new, bytes, imported).await
}

#[expect(clippy::result_large_err, reason = "it is the error of the layer that asks")]
fn imported(new: NewCheckpoint) -> Result<view::NewCheckpoint, ServiceError> {
    if new.state.get() == "null" { with_state(new, None) } else { to_view(new) }
}
