//! `GET /api/v1/snapshots/{id}/archive`

use axum::response::{IntoResponse, Response};
use backstay_api::content::ArchiveQuery;
use backstay_model::SnapshotId;
use http::{HeaderValue, header};

use crate::binary::Binary;
use crate::disposition::content_disposition;
use crate::error::Result;
use crate::extract::{App, IdPath, PathId, Query, SignedIn, tree_path};
use crate::problems::{Conflicting, OfOne, Queried, Signed};
use crate::stream::tar_zst;

/// Packs a subtree as `.tar.zst`, made while it is sent.
///
/// Modes, owners, modification times at nanoseconds, extended attributes, symbolic and hard links are in it. When something cannot be read
/// on the way, the transfer is broken off instead of ending as if it were whole.
#[utoipa::path(
    get,
    path = "/api/v1/snapshots/{id}/archive",
    tag = "snapshots",
    params(IdPath, ArchiveQuery),
    responses(
        (status = 200, description = "The archive.", content_type = "application/zstd", body = Binary),
        (status = 414, description = "The address is longer than 64 KiB: select fewer paths, or use globs."),
        Signed, OfOne, Queried, Conflicting
    )
)]
pub(crate) async fn read_archive(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    PathId(id): PathId<SnapshotId>,
    Query(query): Query<ArchiveQuery>,
) -> Result<Response> {
    let path = tree_path(query.path.as_deref().unwrap_or_default());
    let subtree = state.service().open_subtree(&caller, &id, &path, &query.select).await?;
    let base = if path.is_empty() { id.as_str().as_bytes().to_vec() } else { path };
    let name = [base.as_slice(), b".tar.zst"].concat();
    let mut response = tar_zst(subtree).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/zstd"));
    response.headers_mut().insert(header::CONTENT_DISPOSITION, content_disposition(&name, true));
    Ok(response)
}
