//! `POST /api/v1/users/{id}/login-links`

use axum::response::{IntoResponse, Response};
use backstay_api::user::LoginLink;
use backstay_model::UserId;
use http::StatusCode;

use crate::error::Result;
use crate::extract::{App, IdPath, PathId, SignedIn};
use crate::problems::{Conflicting, OfOne, Signed};

/// Makes a link that signs a user in, once. Whoever has it is that user: give it to nobody else.
#[utoipa::path(
    post,
    path = "/api/v1/users/{id}/login-links",
    tag = "access",
    params(IdPath),
    responses((status = 201, description = "The link.", body = LoginLink), Signed, OfOne, Conflicting)
)]
pub(crate) async fn create_login_link(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    PathId(id): PathId<UserId>,
) -> Result<Response> {
    let link = state.service().create_login_link(&caller, &id).await?;
    let body = LoginLink { path: login_path(&link.secret), expires_at: link.expires_at };
    Ok((StatusCode::CREATED, axum::Json(body)).into_response())
}

/// The path and query of the login link with this secret.
pub fn login_path(secret: &str) -> String {
    format!("/login?token={secret}")
}
