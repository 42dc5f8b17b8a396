//! `GET /api/v1/tenants`

use axum::Json;
use backstay_api::tenant::{TenantPage, TenantQuery};

use crate::error::Result;
use crate::extract::{App, Query, SignedIn};
use crate::paging::page_request;
use crate::problems::{Queried, Signed};
use crate::wire;

/// Lists the tenants that the caller sees, by name.
#[utoipa::path(
    get,
    path = "/api/v1/tenants",
    tag = "access",
    params(TenantQuery),
    responses((status = 200, description = "A page of tenants.", body = TenantPage), Signed, Queried)
)]
pub(crate) async fn list_tenants(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Query(query): Query<TenantQuery>,
) -> Result<Json<TenantPage>> {
    let page = page_request(query.limit, query.offset, query.cursor);
    let page = state.service().list_tenants(&caller, &page).await?.map(wire::tenant);
    Ok(Json(TenantPage { tenants: page.items, total: page.total, next: page.next, message: None }))
}
