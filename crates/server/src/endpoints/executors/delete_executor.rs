//! `DELETE /api/v1/executors/{id}`

use http::StatusCode;

use super::TextId;
use crate::error::Result;
use crate::extract::{App, IdPath, SignedIn};
use crate::problems::{OfOne, Signed};

/// Removes an executor. Jobs that named it name none.
#[utoipa::path(
    delete,
    path = "/api/v1/executors/{id}",
    tag = "executors",
    params(IdPath),
    responses((status = 204, description = "It is removed."), Signed, OfOne)
)]
pub(crate) async fn delete_executor(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    TextId(id): TextId,
) -> Result<StatusCode> {
    state.service().delete_executor(&caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
