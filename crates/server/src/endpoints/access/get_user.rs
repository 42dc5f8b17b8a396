//! `GET /api/v1/users/{id}`

use axum::Json;
use backstay_api::user::User;
use backstay_model::UserId;

use crate::error::Result;
use crate::extract::{App, IdPath, PathId, SignedIn};
use crate::problems::{OfOne, Signed};
use crate::wire;

/// Shows a user.
#[utoipa::path(
    get,
    path = "/api/v1/users/{id}",
    tag = "access",
    params(IdPath),
    responses((status = 200, description = "The user.", body = User), Signed, OfOne)
)]
pub(crate) async fn get_user(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    PathId(id): PathId<UserId>,
) -> Result<Json<User>> {
    Ok(Json(wire::user(state.service().show_user(&caller, &id).await?)))
}
