//! `GET /api/v1/webhooks`

use axum::Json;
use backstay_api::webhook::{WebhookPage, WebhookQuery};

use crate::error::Result;
use crate::extract::{App, Query, SignedIn};
use crate::paging::page_request;
use crate::problems::{Queried, Signed};
use crate::wire;

/// Lists webhooks, newest first.
#[utoipa::path(
    get,
    path = "/api/v1/webhooks",
    tag = "webhooks",
    params(WebhookQuery),
    responses((status = 200, description = "A page of webhooks.", body = WebhookPage), Signed, Queried)
)]
pub(crate) async fn list_webhooks(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Query(query): Query<WebhookQuery>,
) -> Result<Json<WebhookPage>> {
    let page = page_request(query.limit, query.offset, query.cursor);
    let page = state.service().list_webhooks(&caller, &page).await?.map(wire::webhook);
    Ok(Json(WebhookPage { webhooks: page.items, total: page.total, next: page.next, message: None }))
}
