//! `DELETE /api/v1/threads`

use axum::response::Response;
use backstay_api::thread::{DeleteThreadQuery, RemovedThreads};
use http::StatusCode;

use crate::error::Result;
use crate::extract::{Accepted, App, Project, Query, SignedIn};
use crate::problems::{Conflicting, Queried, Signed};
use crate::wire;

/// Removes a thread with everything in it.
#[utoipa::path(
    delete,
    path = "/api/v1/threads",
    tag = "threads",
    params(DeleteThreadQuery),
    responses((status = 200, description = "What was removed.", body = RemovedThreads), Signed, Conflicting, Queried)
)]
pub(crate) async fn delete_thread(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Project(project): Project,
    Accepted(packing): Accepted,
    Query(query): Query<DeleteThreadQuery>,
) -> Result<Response> {
    let dry_run = query.dry_run.unwrap_or(false);
    let removed = state.service().delete_thread(&caller, &project, &query.thread_id, dry_run).await?;
    packing.answer(StatusCode::OK, &wire::removed_threads(vec![removed], dry_run))
}
