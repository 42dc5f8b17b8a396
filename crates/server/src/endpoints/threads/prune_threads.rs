//! `POST /api/v1/threads/prune`

use axum::response::Response;
use backstay_api::thread::{PruneStrategy, PruneThreads, RemovedThreads};
use backstay_service::Prune;
use http::StatusCode;

use crate::error::Result;
use crate::extract::{Accepted, App, Packed, Project, SignedIn};
use crate::problems::{Conflicting, Signed, WithBody};
use crate::wire;

/// Prunes threads, each in one transaction. What delta channels of remaining checkpoints need stays, unseen.
#[utoipa::path(
    post,
    path = "/api/v1/threads/prune",
    tag = "threads",
    request_body(content((PruneThreads = "application/json"), (PruneThreads = "application/msgpack"))),
    responses((status = 200, description = "What was removed.", body = RemovedThreads), Signed, WithBody, Conflicting)
)]
pub(crate) async fn prune_threads(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Project(project): Project,
    Accepted(packing): Accepted,
    Packed(how): Packed<PruneThreads>,
) -> Result<Response> {
    let strategy = match how.strategy {
        PruneStrategy::KeepLatest => Prune::KeepLatest,
        PruneStrategy::Delete => Prune::Delete,
    };
    let service = state.service();
    let removed =
        service.prune_threads(&caller, &project, &how.thread_ids, strategy, how.force, how.dry_run).await?;
    packing.answer(StatusCode::OK, &wire::removed_threads(removed, how.dry_run))
}
