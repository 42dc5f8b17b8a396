//! `GET /api/v1/executors/{id}`

use axum::Json;
use backstay_api::executor::Executor;

use super::TextId;
use crate::error::Result;
use crate::extract::{App, IdPath, SignedIn};
use crate::problems::{OfOne, Signed};
use crate::wire;

/// Shows an executor, without its secret.
#[utoipa::path(
    get,
    path = "/api/v1/executors/{id}",
    tag = "executors",
    params(IdPath),
    responses((status = 200, description = "The executor.", body = Executor), Signed, OfOne)
)]
pub(crate) async fn get_executor(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    TextId(id): TextId,
) -> Result<Json<Executor>> {
    Ok(Json(wire::executor(state.service().get_executor(&caller, &id).await?)))
}
