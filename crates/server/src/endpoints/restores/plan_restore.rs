//! `POST /api/v1/snapshots/{id}/restore-plans`

use backstay_api::restore::{NewRestorePlan, RestorePlan};
use backstay_model::SnapshotId;
use backstay_service::view::RestoreRequest;

use crate::error::Result;
use crate::extract::{App, IdPath, JsonOrDefault, PathId, SignedIn};
use crate::problems::{Conflicting, OfOne, Signed, WithBody};
use crate::wire;

/// Plans a restore of a snapshot into its workspace: what would change and what cannot be put back. Nothing is changed.
#[utoipa::path(
    post,
    path = "/api/v1/snapshots/{id}/restore-plans",
    tag = "restores",
    params(IdPath),
    request_body = Option<NewRestorePlan>,
    responses(
        (status = 200, description = "The plan.", body = RestorePlan),
        Signed, OfOne, WithBody, Conflicting
    )
)]
pub(crate) async fn plan_restore(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    PathId(id): PathId<SnapshotId>,
    JsonOrDefault(new): JsonOrDefault<NewRestorePlan>,
) -> Result<axum::Json<RestorePlan>> {
    let request = RestoreRequest { paths: new.paths, keep_new: new.keep_new };
    Ok(axum::Json(wire::restore_plan(state.service().plan_restore(&caller, &id, request).await?)))
}
