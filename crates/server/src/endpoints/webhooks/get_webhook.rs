//! `GET /api/v1/webhooks/{id}`

use axum::Json;
use backstay_api::webhook::Webhook;
use backstay_model::WebhookId;

use crate::error::Result;
use crate::extract::{App, IdPath, PathId, SignedIn};
use crate::problems::{OfOne, Signed};
use crate::wire;

/// Shows a webhook, without its secret.
#[utoipa::path(
    get,
    path = "/api/v1/webhooks/{id}",
    tag = "webhooks",
    params(IdPath),
    responses((status = 200, description = "The webhook.", body = Webhook), Signed, OfOne)
)]
pub(crate) async fn get_webhook(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    PathId(id): PathId<WebhookId>,
) -> Result<Json<Webhook>> {
    Ok(Json(wire::webhook(state.service().show_webhook(&caller, &id).await?)))
}
