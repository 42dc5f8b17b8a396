//! `POST /api/v1/users`

use axum::response::Response;
use backstay_api::FieldError;
use backstay_api::user::{NewUser, User};
use backstay_model::TenantId;
use backstay_service::view;

use crate::answer::created;
use crate::error::{ApiError, Result};
use crate::extract::{App, Json, SignedIn};
use crate::problems::{Conflicting, OfOne, Signed, WithBody};
use crate::wire;

/// Creates a user. Nobody gives a role above the own.
#[utoipa::path(
    post,
    path = "/api/v1/users",
    tag = "access",
    responses(
        (status = 201, description = "It is created.", body = User),
        Signed, OfOne, WithBody, Conflicting
    )
)]
pub(crate) async fn create_user(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Json(new): Json<NewUser>,
) -> Result<Response> {
    let tenant = new
        .tenant_id
        .map(|id| TenantId::parse(&id).map_err(|error| FieldError::new("tenant_id", error.to_string())))
        .transpose()
        .map_err(|error| ApiError::fields(vec![error]))?;
    let new = view::NewUser { name: new.name, password: new.password, role: new.role, tenant };
    let user = wire::user(state.service().create_user(&caller, new).await?);
    Ok(created(&format!("/api/v1/users/{}", user.id), user))
}
