//! `POST /api/v1/threads/delete-runs`

use axum::response::Response;
use backstay_api::thread::{DeleteRuns, RemovedThreads};
use http::StatusCode;

use crate::error::Result;
use crate::extract::{Accepted, App, Packed, Project, SignedIn};
use crate::problems::{Conflicting, Signed, WithBody};
use crate::wire;

/// Removes the checkpoints that runs saved, in every thread of the project.
#[utoipa::path(
    post,
    path = "/api/v1/threads/delete-runs",
    tag = "threads",
    request_body(content((DeleteRuns = "application/json"), (DeleteRuns = "application/msgpack"))),
    responses((status = 200, description = "What was removed.", body = RemovedThreads), Signed, WithBody, Conflicting)
)]
pub(crate) async fn delete_runs(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Project(project): Project,
    Accepted(packing): Accepted,
    Packed(how): Packed<DeleteRuns>,
) -> Result<Response> {
    let removed =
        state.service().delete_runs(&caller, &project, &how.run_ids, how.force, how.dry_run).await?;
    packing.answer(StatusCode::OK, &wire::removed_threads(removed, how.dry_run))
}
