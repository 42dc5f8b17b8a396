//! `GET, HEAD /api/v1/snapshots/{id}/file`

use axum::response::Response;
use backstay_model::SnapshotId;
use http::{HeaderMap, Method};

use crate::binary::Binary;
use crate::error::Result;
use crate::extract::{App, IdPath, PathId, SignedIn};
use crate::problems::{Conflicting, OfOne, Ranged, Signed};
use crate::served::Served;
use crate::stream::written;

/// Reads the HDF5 file of a snapshot of training, whole or in part.
///
/// It is put together while it is sent, and is the same bytes every time. The entity tag is its SHA-256.
#[utoipa::path(
    method(get, head),
    path = "/api/v1/snapshots/{id}/file",
    tag = "training",
    params(
        IdPath,
        ("Range" = Option<String>, Header, description = "One range of bytes, for example `bytes=0-1023`."),
        ("If-None-Match" = Option<String>, Header, description = "Entity tags that the client has.")
    ),
    responses(
        (status = 200, description = "The file.", content_type = "application/x-hdf5", body = Binary),
        (status = 206, description = "The bytes of the range.", content_type = "application/x-hdf5", body = Binary),
        (status = 304, description = "The client has it."),
        Signed, OfOne, Ranged, Conflicting
    )
)]
pub(crate) async fn read_training_file(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    PathId(id): PathId<SnapshotId>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response> {
    let file = state.service().open_training_file(&caller, &id).await?;
    let (size, etag) = (file.snapshot.size_bytes, file.snapshot.sha256.clone());
    let name = format!("{id}.h5");
    let served =
        Served { size, etag: &etag, name: name.as_bytes(), media_type: "application/x-hdf5", download: true };
    served.answer(&method, &headers, |first, length| {
        written(move |mut out| {
            let result = match (first, length) {
                (0, length) if length == size => file.write(&mut out),
                _ => file.write_part(first, length, &mut out),
            };
            result.map_err(Box::new)
        })
    })
}
