//! `POST /api/v1/webhooks/{id}/test`

use axum::Json;
use backstay_api::webhook::Delivery;
use backstay_model::WebhookId;

use crate::error::Result;
use crate::extract::{App, IdPath, PathId, SignedIn};
use crate::problems::{Conflicting, OfOne, Signed};
use crate::wire;

/// Sends a test event to a webhook, once and now, and tells what came of it.
#[utoipa::path(
    post,
    path = "/api/v1/webhooks/{id}/test",
    tag = "webhooks",
    params(IdPath),
    responses((status = 200, description = "It was sent; `state` tells whether it was accepted.", body = Delivery), Signed, OfOne, Conflicting)
)]
pub(crate) async fn test_webhook(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    PathId(id): PathId<WebhookId>,
) -> Result<Json<Delivery>> {
    Ok(Json(wire::delivery(state.service().test_webhook(&caller, &id).await?)))
}
