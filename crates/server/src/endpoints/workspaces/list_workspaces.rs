//! `GET /api/v1/workspaces`

use axum::Json;
use backstay_api::workspace::{WorkspacePage, WorkspaceQuery};
use backstay_model::Kind;
use backstay_service::view::SourceFilter;

use crate::error::Result;
use crate::extract::{App, Query, SignedIn};
use crate::paging::page_request;
use crate::problems::{Queried, Signed};
use crate::wire;

/// Lists workspaces by name.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces",
    tag = "workspaces",
    params(WorkspaceQuery),
    responses((status = 200, description = "A page of workspaces.", body = WorkspacePage), Signed, Queried)
)]
pub(crate) async fn list_workspaces(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Query(query): Query<WorkspaceQuery>,
) -> Result<Json<WorkspacePage>> {
    let filter = SourceFilter { kind: Some(Kind::Workspace), text: query.q };
    let page = page_request(query.limit, query.offset, query.cursor);
    let page = state.service().list_sources(&caller, &filter, &page).await?.map(wire::workspace);
    let message = (page.total == 0).then(|| "No workspaces available".to_owned());
    Ok(Json(WorkspacePage { workspaces: page.items, total: page.total, next: page.next, message }))
}
