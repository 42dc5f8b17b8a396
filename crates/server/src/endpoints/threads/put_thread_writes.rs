//! `POST /api/v1/threads/writes`

use axum::response::Response;
use backstay_api::thread::{NewThreadWrites, PutWrites};
use backstay_service::view::ThreadDone;
use http::StatusCode;

use crate::error::Result;
use crate::extract::{Accepted, App, Packed, Project, SignedIn};
use crate::problems::{Conflicting, Signed, Storing, WithBody};
use crate::wire;

/// Saves pending writes of a task. They may come before their checkpoint. Special ones (negative `idx`) overwrite,
/// others leave what is there.
#[utoipa::path(
    post,
    path = "/api/v1/threads/writes",
    tag = "threads",
    request_body(content((NewThreadWrites = "application/json"), (NewThreadWrites = "application/msgpack"))),
    responses((status = 200, description = "They are saved.", body = PutWrites), Signed, WithBody, Conflicting, Storing)
)]
pub(crate) async fn put_thread_writes(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Project(project): Project,
    Accepted(packing): Accepted,
    Packed(new): Packed<NewThreadWrites>,
) -> Result<Response> {
    let done = state.service().put_thread_writes(&caller, &project, wire::new_thread_writes(new)).await?;
    let stored = match done {
        ThreadDone::Written { stored } => stored,
        ThreadDone::Put { .. } => 0,
    };
    packing.answer(StatusCode::OK, &PutWrites { stored })
}
