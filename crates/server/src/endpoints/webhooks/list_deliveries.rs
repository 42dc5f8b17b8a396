//! `GET /api/v1/webhooks/{id}/deliveries`

use axum::Json;
use backstay_api::webhook::{DeliveryPage, DeliveryQuery};
use backstay_model::WebhookId;

use crate::error::Result;
use crate::extract::{App, IdPath, PathId, Query, SignedIn};
use crate::paging::page_request;
use crate::problems::{OfOne, Queried, Signed};
use crate::wire;

/// Lists what was sent to a webhook, newest first.
#[utoipa::path(
    get,
    path = "/api/v1/webhooks/{id}/deliveries",
    tag = "webhooks",
    params(IdPath, DeliveryQuery),
    responses((status = 200, description = "A page of deliveries.", body = DeliveryPage), Signed, OfOne, Queried)
)]
pub(crate) async fn list_deliveries(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    PathId(id): PathId<WebhookId>,
    Query(query): Query<DeliveryQuery>,
) -> Result<Json<DeliveryPage>> {
    let page = page_request(query.limit, query.offset, query.cursor);
    let page = state.service().list_deliveries(&caller, &id, &page).await?.map(wire::delivery);
    Ok(Json(DeliveryPage { deliveries: page.items, total: page.total, next: page.next, message: None }))
}
