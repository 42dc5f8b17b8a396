//! `GET /api/v1/snapshots/{id}/diff`

use axum::Json;
use backstay_api::change::{ChangePage, DiffQuery};
use backstay_model::SnapshotId;
use backstay_service::view::{Against, DiffOptions};

use crate::error::Result;
use crate::extract::{App, IdPath, PathId, Query, SignedIn, parse_id};
use crate::paging::page_request;
use crate::problems::{Conflicting, OfOne, Queried, Signed};
use crate::wire;

/// Compares a snapshot with another one or with the present tree of its workspace, in the order of the paths.
#[utoipa::path(
    get,
    path = "/api/v1/snapshots/{id}/diff",
    tag = "snapshots",
    params(IdPath, DiffQuery),
    responses(
        (status = 200, description = "A page of changes.", body = ChangePage),
        Signed, OfOne, Queried, Conflicting
    )
)]
pub(crate) async fn diff_snapshot(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    PathId(id): PathId<SnapshotId>,
    Query(query): Query<DiffQuery>,
) -> Result<Json<ChangePage>> {
    let against = match query.against.as_deref() {
        None | Some("live") => Against::Live,
        Some(other) => Against::Snapshot(parse_id(other)?),
    };
    let paths = query.path.filter(|path| !path.is_empty()).into_iter().collect();
    let options = DiffOptions { paths, content: query.content.unwrap_or(false) };
    let page = page_request(query.limit, query.offset, query.cursor);
    let page = state.service().diff_snapshot(&caller, &id, &against, &options, &page).await?;
    Ok(Json(wire::change_page(page)))
}
