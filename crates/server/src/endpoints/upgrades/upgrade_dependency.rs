//! `POST /api/v1/workspaces/{id}/upgrades`

use axum::response::Response;
use backstay_api::restore::OperationAccepted;
use backstay_api::snapshot::WaitQuery;
use backstay_api::upgrade::NewUpgrade;
use backstay_model::SourceId;

use crate::endpoints::restores::accepted_operation;
use crate::error::Result;
use crate::extract::{App, IdPath, Json, PathId, Query, SignedIn};
use crate::problems::{Conflicting, OfOne, Signed, Storing, WithBody};

/// Executes the plan of an upgrade: snapshot, private copy, migrations and checks, then one commit point for files,
/// checkout, `graft.yaml`, `graft.lock` and the git index. If anything fails before, the workspace is as it was. A plan for
/// another state than the present one is refused as stale (409). What the commands say is at `/operations/{id}/output`.
#[utoipa::path(
    post,
    path = "/api/v1/workspaces/{id}/upgrades",
    tag = "upgrades",
    params(IdPath, WaitQuery),
    responses(
        (status = 202, description = "The upgrade is under way.", body = OperationAccepted),
        Signed, OfOne, WithBody, Conflicting, Storing
    )
)]
pub(crate) async fn upgrade_dependency(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    PathId(id): PathId<SourceId>,
    Query(wait): Query<WaitQuery>,
    Json(new): Json<NewUpgrade>,
) -> Result<Response> {
    let service = state.service().waiting_for_locks(wait.lock_wait);
    let queued = service.queue_upgrade(&caller, &id, &new.plan_id).await?;
    accepted_operation(&state, &caller, queued, wait).await
}
