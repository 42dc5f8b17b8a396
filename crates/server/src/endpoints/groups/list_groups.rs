//! `GET /api/v1/workspace-groups`

use axum::Json;
use backstay_api::group::{WorkspaceGroupPage, WorkspaceGroupQuery};

use crate::error::Result;
use crate::extract::{App, Query, SignedIn};
use crate::paging::page_request;
use crate::problems::{Queried, Signed};
use crate::wire;

/// Lists groups by name.
#[utoipa::path(
    get,
    path = "/api/v1/workspace-groups",
    tag = "groups",
    params(WorkspaceGroupQuery),
    responses((status = 200, description = "A page of groups.", body = WorkspaceGroupPage), Signed, Queried)
)]
pub(crate) async fn list_workspace_groups(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Query(query): Query<WorkspaceGroupQuery>,
) -> Result<Json<WorkspaceGroupPage>> {
    let page = page_request(query.limit, query.offset, query.cursor);
    let page = state.service().list_groups(&caller, &page).await?.map(wire::group);
    Ok(Json(WorkspaceGroupPage {
        workspace_groups: page.items,
        total: page.total,
        next: page.next,
        message: None,
    }))
}
