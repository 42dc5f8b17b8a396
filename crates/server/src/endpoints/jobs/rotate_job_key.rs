//! `POST /api/v1/jobs/rotate-key`

use axum::Json;
use backstay_api::job::RotatedJobKey;

use crate::error::Result;
use crate::extract::{App, SignedIn};
use crate::problems::{Conflicting, Signed};

/// Makes a new key under which states are sealed from about two minutes on. What was sealed before stays readable.
#[utoipa::path(
    post,
    path = "/api/v1/jobs/rotate-key",
    tag = "jobs",
    responses((status = 200, description = "The new key.", body = RotatedJobKey), Signed, Conflicting)
)]
pub(crate) async fn rotate_job_key(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
) -> Result<Json<RotatedJobKey>> {
    let number = state.service().rotate_job_key(&caller).await?;
    Ok(Json(RotatedJobKey { number }))
}
