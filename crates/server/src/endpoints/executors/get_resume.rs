//! `GET /api/v1/resumes/{id}`

use axum::Json;
use backstay_api::executor::Resume;

use super::TextId;
use crate::error::Result;
use crate::extract::{App, IdPath, SignedIn};
use crate::problems::{OfOne, Signed};
use crate::wire;

/// Shows an attempt to let a job go on.
#[utoipa::path(
    get,
    path = "/api/v1/resumes/{id}",
    tag = "executors",
    params(IdPath),
    responses((status = 200, description = "The resume.", body = Resume), Signed, OfOne)
)]
pub(crate) async fn get_resume(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    TextId(id): TextId,
) -> Result<Json<Resume>> {
    Ok(Json(wire::resume(state.service().get_resume(&caller, &id).await?)))
}
