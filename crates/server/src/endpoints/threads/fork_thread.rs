//! `POST /api/v1/threads/fork`

use axum::response::Response;
use backstay_api::thread::{CopiedThread, ForkThread};
use http::StatusCode;

use crate::error::Result;
use crate::extract::{Accepted, App, Packed, Project, SignedIn};
use crate::problems::{Conflicting, OfOne, Signed, Storing, WithBody};
use crate::wire;

/// Copies a checkpoint with all its ancestors into an empty thread.
#[utoipa::path(
    post,
    path = "/api/v1/threads/fork",
    tag = "threads",
    request_body(content((ForkThread = "application/json"), (ForkThread = "application/msgpack"))),
    responses((status = 200, description = "What was copied.", body = CopiedThread), Signed, OfOne, WithBody, Conflicting, Storing)
)]
pub(crate) async fn fork_thread(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Project(project): Project,
    Accepted(packing): Accepted,
    Packed(how): Packed<ForkThread>,
) -> Result<Response> {
    let (from, latest) = wire::thread_key(how.from);
    let copied = state.service().fork_thread(&caller, &project, &from, latest, &how.to, how.dry_run).await?;
    packing.answer(StatusCode::OK, &wire::copied_thread(copied, how.dry_run))
}
