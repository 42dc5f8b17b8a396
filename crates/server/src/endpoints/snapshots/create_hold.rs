//! `POST /api/v1/snapshots/{id}/holds`

use axum::response::Response;
use backstay_api::hold::{Hold, NewHold};
use backstay_model::SnapshotId;
use backstay_service::view;

use crate::answer::created;
use crate::error::Result;
use crate::extract::{App, IdPath, Json, PathId, SignedIn};
use crate::problems::{Conflicting, OfOne, Signed, WithBody};
use crate::wire;

/// Places a hold on a snapshot: it cannot be deleted until the hold is released or ends.
#[utoipa::path(
    post,
    path = "/api/v1/snapshots/{id}/holds",
    tag = "snapshots",
    params(IdPath),
    responses(
        (status = 201, description = "The hold is in force.", body = Hold),
        Signed, OfOne, WithBody, Conflicting
    )
)]
pub(crate) async fn create_hold(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    PathId(id): PathId<SnapshotId>,
    Json(new): Json<NewHold>,
) -> Result<Response> {
    let new = view::NewHold { reason: new.reason, expires_at: new.expires_at };
    let hold = wire::hold(state.service().hold_snapshot(&caller, &id, new).await?);
    Ok(created(&format!("/api/v1/holds/{}", hold.id), hold))
}
