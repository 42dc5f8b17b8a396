//! `GET /api/v1/snapshots/{id}/holds`

use axum::Json;
use backstay_api::hold::{HoldPage, HoldQuery};
use backstay_model::SnapshotId;

use crate::error::Result;
use crate::extract::{App, IdPath, PathId, Query, SignedIn};
use crate::paging::page_request;
use crate::problems::{OfOne, Queried, Signed};
use crate::wire;

/// Lists the holds in force on a snapshot, newest first, the pin among them.
#[utoipa::path(
    get,
    path = "/api/v1/snapshots/{id}/holds",
    tag = "snapshots",
    params(IdPath, HoldQuery),
    responses((status = 200, description = "A page of holds.", body = HoldPage), Signed, OfOne, Queried)
)]
pub(crate) async fn list_holds(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    PathId(id): PathId<SnapshotId>,
    Query(query): Query<HoldQuery>,
) -> Result<Json<HoldPage>> {
    let page = page_request(query.limit, query.offset, query.cursor);
    let page = state.service().list_holds(&caller, &id, &page).await?.map(wire::hold);
    Ok(Json(HoldPage { holds: page.items, total: page.total, next: page.next, message: None }))
}
