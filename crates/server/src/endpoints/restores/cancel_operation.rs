//! `POST /api/v1/operations/{id}/cancel`

use axum::Json;
use backstay_api::operation::Operation;
use backstay_model::OperationId;

use crate::error::Result;
use crate::extract::{App, IdPath, PathId, SignedIn};
use crate::problems::{Conflicting, OfOne, Signed};
use crate::wire;

/// Asks a running operation to stop. It stops before its commit record, with nothing changed, or not at all.
#[utoipa::path(
    post,
    path = "/api/v1/operations/{id}/cancel",
    tag = "restores",
    params(IdPath),
    responses((status = 200, description = "The operation.", body = Operation), Signed, OfOne, Conflicting)
)]
pub(crate) async fn cancel_operation(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    PathId(id): PathId<OperationId>,
) -> Result<Json<Operation>> {
    Ok(Json(wire::operation(state.service().cancel_operation(&caller, &id).await?)))
}
