//! `PATCH /api/v1/webhooks/{id}`

use backstay_api::webhook::{Webhook, WebhookChange};
use backstay_model::WebhookId;
use backstay_service::view;

use crate::error::Result;
use crate::extract::{App, IdPath, Json, PathId, SignedIn};
use crate::problems::{Conflicting, OfOne, Signed, WithBody};
use crate::wire;

/// Changes a webhook.
#[utoipa::path(
    patch,
    path = "/api/v1/webhooks/{id}",
    tag = "webhooks",
    params(IdPath),
    responses(
        (status = 200, description = "The webhook as it is now.", body = Webhook),
        Signed, OfOne, WithBody, Conflicting
    )
)]
pub(crate) async fn update_webhook(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    PathId(id): PathId<WebhookId>,
    Json(change): Json<WebhookChange>,
) -> Result<axum::Json<Webhook>> {
    let change = view::WebhookChange { url: change.url, actions: change.actions, enabled: change.enabled };
    Ok(axum::Json(wire::webhook(state.service().update_webhook(&caller, &id, change).await?)))
}
