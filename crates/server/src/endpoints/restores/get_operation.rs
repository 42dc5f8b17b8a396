//! `GET /api/v1/operations/{id}`

use axum::Json;
use backstay_api::operation::Operation;
use backstay_model::OperationId;

use crate::error::Result;
use crate::extract::{App, IdPath, PathId, SignedIn};
use crate::problems::{OfOne, Signed};
use crate::wire;

/// Shows an operation.
#[utoipa::path(
    get,
    path = "/api/v1/operations/{id}",
    tag = "restores",
    params(IdPath),
    responses((status = 200, description = "The operation.", body = Operation), Signed, OfOne)
)]
pub(crate) async fn get_operation(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    PathId(id): PathId<OperationId>,
) -> Result<Json<Operation>> {
    Ok(Json(wire::operation(state.service().show_operation(&caller, &id).await?)))
}
