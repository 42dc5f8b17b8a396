//! `POST /api/v1/resumes/{id}/confirm`

use axum::Json;
use backstay_api::executor::{ConfirmResume, Resume};

use super::TextId;
use crate::error::Result;
use crate::extract::{App, IdPath, JsonOrDefault, SignedIn};
use crate::problems::{Conflicting, OfOne, Signed, WithBody};
use crate::wire;

/// Takes the word of an executor that a job goes on, or does not: the answer of one that asked for its message, or a late
/// one. It is a conflict when a newer resume of the job was begun since: then this executor must not go on.
#[utoipa::path(
    post,
    path = "/api/v1/resumes/{id}/confirm",
    tag = "executors",
    params(IdPath),
    request_body = Option<ConfirmResume>,
    responses((status = 200, description = "The resume.", body = Resume), Signed, OfOne, WithBody, Conflicting)
)]
pub(crate) async fn confirm_resume(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    TextId(id): TextId,
    JsonOrDefault(said): JsonOrDefault<ConfirmResume>,
) -> Result<Json<Resume>> {
    let accepted = said.accepted.unwrap_or(true);
    let resume = state.service().confirm_resume(&caller, &id, accepted, said.reason.as_deref()).await?;
    Ok(Json(wire::resume(resume)))
}
