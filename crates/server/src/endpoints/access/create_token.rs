//! `POST /api/v1/tokens`

use axum::response::Response;
use backstay_api::token::{CreatedToken, NewToken};
use backstay_service::view;

use crate::answer::created;
use crate::error::Result;
use crate::extract::{App, Json, SignedIn};
use crate::problems::{Conflicting, Signed, WithBody};
use crate::wire;

/// Creates an API token, with a role not above the caller's. This answer is the only one with its secret.
#[utoipa::path(
    post,
    path = "/api/v1/tokens",
    tag = "access",
    responses(
        (status = 201, description = "It is created.", body = CreatedToken),
        Signed, WithBody, Conflicting
    )
)]
pub(crate) async fn create_token(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Json(new): Json<NewToken>,
) -> Result<Response> {
    let new = view::NewToken { name: new.name, role: new.role, expires_at: new.expires_at };
    let token = wire::created_token(state.service().create_token(&caller, new).await?);
    Ok(created("/api/v1/tokens", token))
}
