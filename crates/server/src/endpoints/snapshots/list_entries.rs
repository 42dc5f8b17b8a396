//! `GET /api/v1/snapshots/{id}/entries`

use axum::Json;
use backstay_api::entry::{EntryPage, EntryQuery};
use backstay_model::SnapshotId;
use backstay_service::view::EntryOptions;

use crate::error::Result;
use crate::extract::{App, IdPath, PathId, Query, SignedIn, tree_path};
use crate::paging::page_request;
use crate::problems::{Conflicting, OfOne, Queried, Signed};
use crate::wire;

/// Lists what is in a snapshot, in the order of the paths.
#[utoipa::path(
    get,
    path = "/api/v1/snapshots/{id}/entries",
    tag = "snapshots",
    params(IdPath, EntryQuery),
    responses(
        (status = 200, description = "A page of entries.", body = EntryPage),
        Signed, OfOne, Queried, Conflicting
    )
)]
pub(crate) async fn list_entries(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    PathId(id): PathId<SnapshotId>,
    Query(query): Query<EntryQuery>,
) -> Result<Json<EntryPage>> {
    let options = EntryOptions {
        path: tree_path(query.path.as_deref().unwrap_or_default()),
        recursive: query.recursive.unwrap_or(false),
    };
    let page = page_request(query.limit, query.offset, query.cursor);
    let page = state.service().list_entries(&caller, &id, &options, &page).await?.map(wire::entry);
    Ok(Json(EntryPage { entries: page.items, total: page.total, next: page.next, message: None }))
}
