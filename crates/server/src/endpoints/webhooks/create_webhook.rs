//! `POST /api/v1/webhooks`

use axum::response::Response;
use backstay_api::webhook::{CreatedWebhook, NewWebhook};
use backstay_service::view;

use crate::answer::created;
use crate::error::Result;
use crate::extract::{App, Json, SignedIn};
use crate::problems::{Conflicting, Signed, WithBody};
use crate::wire;

/// Creates a webhook. This answer is the only one with the secret that signs what is sent.
#[utoipa::path(
    post,
    path = "/api/v1/webhooks",
    tag = "webhooks",
    responses(
        (status = 201, description = "It is created.", body = CreatedWebhook),
        Signed, WithBody, Conflicting
    )
)]
pub(crate) async fn create_webhook(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Json(new): Json<NewWebhook>,
) -> Result<Response> {
    let new = view::NewWebhook { url: new.url, actions: new.actions };
    let webhook = wire::created_webhook(state.service().create_webhook(&caller, new).await?);
    Ok(created(&format!("/api/v1/webhooks/{}", webhook.webhook.id), webhook))
}
