//! `GET, HEAD /api/v1/snapshots/{id}/content`

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use backstay_api::content::ContentQuery;
use backstay_model::{ErrorKind, SnapshotId};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use crate::binary::Binary;
use crate::disposition::content_disposition;
use crate::error::{ApiError, Result};
use crate::extract::{App, IdPath, PathId, Query, SignedIn, tree_path};
use crate::problems::{Conflicting, OfOne, Queried, Ranged, Signed};
use crate::range::{Selection, select};
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
    let size = content.entry.size;
    let etag = format!("\"{}\"", content.etag);
    let (status, first, length) = match select(&headers, &etag, size) {
        Selection::Whole => (StatusCode::OK, 0, size),
        Selection::Part { first, last } => (StatusCode::PARTIAL_CONTENT, first, last - first + 1),
        Selection::NotModified => (StatusCode::NOT_MODIFIED, 0, 0),
        Selection::PreconditionFailed => {
            return Err(ApiError::new(
                ErrorKind::PreconditionFailed,
                "The content is another than `If-Match` names",
            ));
        }
        Selection::Unsatisfiable => {
            let detail = format!("The content has {size} bytes; the range lies outside");
            let error = ApiError::new(ErrorKind::RangeNotSatisfiable, detail);
            return Err(error.header(header::CONTENT_RANGE, text(&format!("bytes */{size}"))));
        }
    };
    let body = if method == Method::HEAD || status == StatusCode::NOT_MODIFIED {
        Body::empty()
    } else {
        read_range(content.reader, first, length)
    };
    let mut response = (status, body).into_response();
    let out = response.headers_mut();
    out.insert(header::ETAG, text(&etag));
    out.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    out.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    if status != StatusCode::NOT_MODIFIED {
        out.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        out.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        out.insert(header::CONTENT_DISPOSITION, content_disposition(&path, query.download.unwrap_or(true)));
    }
    if status == StatusCode::PARTIAL_CONTENT {
        out.insert(header::CONTENT_RANGE, text(&format!("bytes {first}-{}/{size}", first + length - 1)));
    }
    Ok(response)
}

fn text(value: &str) -> HeaderValue {
    HeaderValue::from_str(value).unwrap_or(HeaderValue::from_static(""))
}
