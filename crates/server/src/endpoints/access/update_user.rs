//! `PATCH /api/v1/users/{id}`

use backstay_api::user::{User, UserChange};
use backstay_model::UserId;
use backstay_service::view;

use crate::error::Result;
use crate::extract::{App, IdPath, Json, PathId, SignedIn};
use crate::problems::{Conflicting, OfOne, Signed, WithBody};
use crate::wire;

/// Changes the role or password of a user, or forbids signing in. A new password ends every session of the user.
#[utoipa::path(
    patch,
    path = "/api/v1/users/{id}",
    tag = "access",
    params(IdPath),
    responses(
        (status = 200, description = "The user as it is now.", body = User),
        Signed, OfOne, WithBody, Conflicting
    )
)]
pub(crate) async fn update_user(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    PathId(id): PathId<UserId>,
    Json(change): Json<UserChange>,
) -> Result<axum::Json<User>> {
    let change = view::UserChange { role: change.role, password: change.password, disabled: change.disabled };
    Ok(axum::Json(wire::user(state.service().update_user(&caller, &id, change).await?)))
}
