//! `GET /api/v1/approvals`

use axum::Json;
use backstay_api::execution::{ApprovalList, ApprovalQuery};

use crate::error::Result;
use crate::extract::{App, Query, SignedIn};
use crate::problems::{Queried, Signed};
use crate::wire;

/// Lists the approvals of the tenant over all executions, newest first: those that are pending, or those with another
/// status. On request with what changed in the states since somebody last approved.
#[utoipa::path(
    get,
    path = "/api/v1/approvals",
    tag = "executions",
    params(ApprovalQuery),
    responses((status = 200, description = "A page of approvals.", body = ApprovalList), Signed, Queried)
)]
pub(crate) async fn list_approvals(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Query(query): Query<ApprovalQuery>,
) -> Result<Json<ApprovalList>> {
    let page = state.service().list_approvals(&caller, &wire::approval_filter(query)).await?;
    Ok(Json(wire::approval_list(page)))
}
