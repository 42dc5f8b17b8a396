//! `DELETE /api/v1/webhooks/{id}`

use backstay_model::WebhookId;
use http::StatusCode;

use crate::error::Result;
use crate::extract::{App, IdPath, PathId, SignedIn};
use crate::problems::{OfOne, Signed};

/// Removes a webhook and what is queued for it.
#[utoipa::path(
    delete,
    path = "/api/v1/webhooks/{id}",
    tag = "webhooks",
    params(IdPath),
    responses((status = 204, description = "It is removed."), Signed, OfOne)
)]
pub(crate) async fn delete_webhook(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    PathId(id): PathId<WebhookId>,
) -> Result<StatusCode> {
    state.service().remove_webhook(&caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
