//! `POST /api/v1/tenants`

use axum::response::Response;
use backstay_api::FieldError;
use backstay_api::tenant::{NewTenant, Tenant};
use backstay_model::TenantId;
use backstay_service::view;

use crate::answer::created;
use crate::error::{ApiError, Result};
use crate::extract::{App, Json, SignedIn};
use crate::problems::{Conflicting, Signed, WithBody};
use crate::wire;

/// Creates a tenant.
#[utoipa::path(
    post,
    path = "/api/v1/tenants",
    tag = "access",
    responses((status = 201, description = "It is created.", body = Tenant), Signed, WithBody, Conflicting)
)]
pub(crate) async fn create_tenant(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Json(new): Json<NewTenant>,
) -> Result<Response> {
    let id = new
        .id
        .map(|id| TenantId::parse(&id).map_err(|error| FieldError::new("id", error.to_string())))
        .transpose()
        .map_err(|error| ApiError::fields(vec![error]))?;
    let new = view::NewTenant { id, name: new.name };
    let tenant = wire::tenant(state.service().create_tenant(&caller, new).await?);
    Ok(created("/api/v1/tenants", tenant))
}
