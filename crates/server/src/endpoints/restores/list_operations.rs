//! `GET /api/v1/workspaces/{id}/operations`

use axum::Json;
use backstay_api::operation::{OperationPage, OperationQuery};
use backstay_model::SourceId;

use crate::error::Result;
use crate::extract::{App, IdPath, PathId, Query, SignedIn};
use crate::paging::page_request;
use crate::problems::{OfOne, Queried, Signed};
use crate::wire;

/// Lists what changed a workspace and can be undone, newest first.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{id}/operations",
    tag = "restores",
    params(IdPath, OperationQuery),
    responses((status = 200, description = "A page of operations.", body = OperationPage), Signed, OfOne, Queried)
)]
pub(crate) async fn list_operations(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    PathId(id): PathId<SourceId>,
    Query(query): Query<OperationQuery>,
) -> Result<Json<OperationPage>> {
    state.service().show_source(&caller, &id).await?;
    let page = page_request(query.limit, query.offset, query.cursor);
    let page = state.service().list_operations(&caller, Some(&id), &page).await?.map(wire::operation);
    Ok(Json(OperationPage { operations: page.items, total: page.total, next: page.next, message: None }))
}
