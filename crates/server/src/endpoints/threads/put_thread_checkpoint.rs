//! `POST /api/v1/threads/checkpoints`

use axum::response::Response;
use backstay_api::thread::{NewThreadCheckpoint, PutCheckpoint};
use backstay_model::ErrorKind;
use backstay_service::view::ThreadDone;
use http::{HeaderValue, StatusCode, header};

use crate::error::{ApiError, Result};
use crate::extract::{Accepted, App, Packed, Project, SignedIn};
use crate::problems::{Conflicting, Signed, Storing, WithBody};
use crate::wire;

/// Saves a typed checkpoint: the channels that changed with their values, the others by name. One with the same key is
/// replaced. It is on disk when the answer comes.
#[utoipa::path(
    post,
    path = "/api/v1/threads/checkpoints",
    tag = "threads",
    request_body(content((NewThreadCheckpoint = "application/json"), (NewThreadCheckpoint = "application/msgpack"))),
    responses((status = 201, description = "It is saved.", body = PutCheckpoint), Signed, WithBody, Conflicting, Storing)
)]
pub(crate) async fn put_thread_checkpoint(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Project(project): Project,
    Accepted(packing): Accepted,
    Packed(new): Packed<NewThreadCheckpoint>,
) -> Result<Response> {
    let done =
        state.service().put_thread_checkpoint(&caller, &project, wire::new_thread_checkpoint(new)).await?;
    let mut response = packing.answer(StatusCode::CREATED, &put_checkpoint(done)?)?;
    response.headers_mut().insert(header::LOCATION, HeaderValue::from_static("/api/v1/threads/tuple"));
    Ok(response)
}

/// The answer to a saved checkpoint.
pub(super) fn put_checkpoint(done: ThreadDone) -> Result<PutCheckpoint> {
    match done {
        ThreadDone::Put { checkpoint_id, id, sequence, replaced } => {
            Ok(PutCheckpoint { checkpoint_id, id, sequence, replaced })
        }
        ThreadDone::Written { .. } => {
            Err(ApiError::new(ErrorKind::Internal, "the answer is another operation's"))
        }
    }
}
