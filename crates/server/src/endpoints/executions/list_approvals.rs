//! `GET /api/v1/approvals`

use axum::Json;
use backstay_api::execution::{ApprovalList, ApprovalQuery};
use backstay_model::execution::ApprovalStatus;

use crate::error::Result;
use crate::extract::{App, Project, Query, SignedIn};
use crate::problems::{Queried, Signed};
use crate::wire;

/// Lists the approvals of a project over all its executions, newest first: those that are pending, or those with another
/// status.
#[utoipa::path(
    get,
    path = "/api/v1/approvals",
    tag = "executions",
    params(ApprovalQuery),
    responses((status = 200, description = "A page of steps with approvals.", body = ApprovalList), Signed, Queried)
)]
pub(crate) async fn list_approvals(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Project(project): Project,
    Query(query): Query<ApprovalQuery>,
) -> Result<Json<ApprovalList>> {
    // The schema of the parameter lets nothing else through.
    let status = query.status.and_then(|status| status.parse().ok()).unwrap_or(ApprovalStatus::Pending);
    let (offset, limit) = (query.offset.unwrap_or(0), query.limit.unwrap_or(100));
    let page = state.service().list_approvals(&caller, &project, status, offset, limit).await?;
    Ok(Json(ApprovalList { approvals: page.items.into_iter().map(wire::step).collect(), total: page.total }))
}
