//! `POST /api/v1/threads/copy`

use axum::response::Response;
use backstay_api::thread::{CopiedThread, CopyThread};
use http::StatusCode;

use crate::error::Result;
use crate::extract::{Accepted, App, Packed, Project, SignedIn};
use crate::problems::{Conflicting, Signed, Storing, WithBody};
use crate::wire;

/// Copies a thread with its ids, parents, namespaces and writes into an empty one.
#[utoipa::path(
    post,
    path = "/api/v1/threads/copy",
    tag = "threads",
    request_body(content((CopyThread = "application/json"), (CopyThread = "application/msgpack"))),
    responses((status = 200, description = "What was copied.", body = CopiedThread), Signed, WithBody, Conflicting, Storing)
)]
pub(crate) async fn copy_thread(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Project(project): Project,
    Accepted(packing): Accepted,
    Packed(how): Packed<CopyThread>,
) -> Result<Response> {
    let copied = state.service().copy_thread(&caller, &project, &how.from, &how.to, how.dry_run).await?;
    packing.answer(StatusCode::OK, &wire::copied_thread(copied, how.dry_run))
}
