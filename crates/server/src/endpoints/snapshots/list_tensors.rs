//! `GET /api/v1/snapshots/{id}/tensors`

use axum::Json;
use backstay_api::training_snapshot::{TensorPage, TensorQuery};
use backstay_model::SnapshotId;

use crate::error::Result;
use crate::extract::{App, IdPath, PathId, Query, SignedIn};
use crate::paging::page_request;
use crate::problems::{Conflicting, OfOne, Queried, Signed};
use crate::wire;

/// Lists the tensors of a snapshot of training, by their paths in its HDF5 file.
#[utoipa::path(
    get,
    path = "/api/v1/snapshots/{id}/tensors",
    tag = "training",
    params(IdPath, TensorQuery),
    responses(
        (status = 200, description = "A page of tensors.", body = TensorPage),
        Signed, OfOne, Queried, Conflicting
    )
)]
pub(crate) async fn list_tensors(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    PathId(id): PathId<SnapshotId>,
    Query(query): Query<TensorQuery>,
) -> Result<Json<TensorPage>> {
    let page = page_request(query.limit, query.offset, query.cursor);
    let page = state.service().list_training_tensors(&caller, &id, &page).await?.map(wire::tensor);
    Ok(Json(TensorPage { tensors: page.items, total: page.total, next: page.next, message: None }))
}
