//! `GET, HEAD /api/v1/snapshots/{id}/content`

use axum::response::Response;
use backstay_api::content::ContentQuery;
use backstay_model::SnapshotId;
use http::{HeaderMap, Method};

use crate::binary::Binary;
use crate::error::Result;
use crate::extract::{App, IdPath, PathId, Query, SignedIn, tree_path};
use crate::problems::{Conflicting, OfOne, Queried, Ranged, Signed};
use crate::served::Served;
use crate::stream::read_range;

/// Reads a file of a snapshot, whole or in part.
///
/// The entity tag names the content: equal tags mean equal bytes, in every snapshot. A browser never runs what it
/// gets here: the media type is always `application/octet-stream`.
#[utoipa::path(
    method(get, head),
    path = "/api/v1/snapshots/{id}/content",
    tag = "snapshots",
    params(
        IdPath,
        ContentQuery,
        ("Range" = Option<String>, Header, description = "One range of bytes, for example `bytes=0-1023`."),
        ("If-None-Match" = Option<String>, Header, description = "Entity tags that the client has.")
    ),
    responses(
        (status = 200, description = "The bytes.", content_type = "application/octet-stream", body = Binary),
        (status = 206, description = "The bytes of the range.", content_type = "application/octet-stream", body = Binary),
        (status = 304, description = "The client has it."),
        Signed, OfOne, Queried, Ranged, Conflicting
    )
)]
pub(crate) async fn read_content(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    PathId(id): PathId<SnapshotId>,
    Query(query): Query<ContentQuery>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response> {
    let path = tree_path(&query.path);
    let content = state.service().open_content(&caller, &id, &path).await?;
    let served = Served {
        size: content.entry.size,
        etag: &content.etag,
        name: &path,
        media_type: "application/octet-stream",
        download: query.download.unwrap_or(true),
    };
    served.answer(&method, &headers, |first, length| read_range(content.reader, first, length))
}
