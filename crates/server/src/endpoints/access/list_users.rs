//! `GET /api/v1/users`

use axum::Json;
use backstay_api::user::{UserPage, UserQuery};

use crate::error::Result;
use crate::extract::{App, Query, SignedIn};
use crate::paging::page_request;
use crate::problems::{Queried, Signed};
use crate::wire;

/// Lists users by name.
#[utoipa::path(
    get,
    path = "/api/v1/users",
    tag = "access",
    params(UserQuery),
    responses((status = 200, description = "A page of users.", body = UserPage), Signed, Queried)
)]
pub(crate) async fn list_users(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Query(query): Query<UserQuery>,
) -> Result<Json<UserPage>> {
    let page = page_request(query.limit, query.offset, query.cursor);
    let page = state.service().list_users(&caller, &page).await?.map(wire::user);
    Ok(Json(UserPage { users: page.items, total: page.total, next: page.next, message: None }))
}
