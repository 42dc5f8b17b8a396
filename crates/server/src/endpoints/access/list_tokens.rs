//! `GET /api/v1/tokens`

use axum::Json;
use backstay_api::token::{TokenPage, TokenQuery};

use crate::error::Result;
use crate::extract::{App, Query, SignedIn};
use crate::paging::page_request;
use crate::problems::{Queried, Signed};
use crate::wire;

/// Lists API tokens, newest first, without their secrets.
#[utoipa::path(
    get,
    path = "/api/v1/tokens",
    tag = "access",
    params(TokenQuery),
    responses((status = 200, description = "A page of tokens.", body = TokenPage), Signed, Queried)
)]
pub(crate) async fn list_tokens(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Query(query): Query<TokenQuery>,
) -> Result<Json<TokenPage>> {
    let page = page_request(query.limit, query.offset, query.cursor);
    let page = state.service().list_tokens(&caller, &page).await?.map(wire::token);
    Ok(Json(TokenPage { tokens: page.items, total: page.total, next: page.next, message: None }))
}
