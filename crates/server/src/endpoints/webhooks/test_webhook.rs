//! `POST /api/v1/webhooks/{id}/test`

use axum::response::Response;
use backstay_api::webhook::Delivery;
use backstay_model::WebhookId;

use crate::answer::accepted;
use crate::error::Result;
use crate::extract::{App, IdPath, PathId, SignedIn};
use crate::problems::{Conflicting, OfOne, Signed};
use crate::wire;

/// Queues a test event for a webhook; its deliveries tell what came of it.
#[utoipa::path(
    post,
    path = "/api/v1/webhooks/{id}/test",
    tag = "webhooks",
    params(IdPath),
    responses((status = 202, description = "It is queued.", body = Delivery), Signed, OfOne, Conflicting)
)]
pub(crate) async fn test_webhook(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    PathId(id): PathId<WebhookId>,
) -> Result<Response> {
    let delivery = wire::delivery(state.service().test_webhook(&caller, &id).await?);
    Ok(accepted(&format!("/api/v1/webhooks/{id}/deliveries"), delivery))
}
