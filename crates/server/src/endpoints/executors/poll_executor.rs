//! `GET /api/v1/executors/{id}/poll`

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use backstay_api::executor::{ExecutorMessage, PollQuery};
use http::{StatusCode, header};

use super::TextId;
use crate::error::Result;
use crate::extract::{App, IdPath, Query, SignedIn};
use crate::problems::{Conflicting, OfOne, Queried, Signed};

/// Waits for the next message of an executor that asks. It is signed in its headers like a webhook, and comes again, with the same
/// id, until it is answered with `POST /api/v1/resumes/{delivery_id}/confirm`.
#[utoipa::path(
    get,
    path = "/api/v1/executors/{id}/poll",
    tag = "executors",
    params(IdPath, PollQuery),
    responses(
        (
            status = 200,
            description = "A message.",
            body = ExecutorMessage,
            headers(
                ("webhook-id" = String, description = "The id of the message."),
                ("webhook-timestamp" = String, description = "When it was sent, in Unix seconds."),
                ("webhook-signature" = String, description = "Its signature under the secret of the executor.")
            )
        ),
        (status = 204, description = "There was none."),
        Signed, OfOne, Queried, Conflicting
    )
)]
pub(crate) async fn poll_executor(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    TextId(id): TextId,
    Query(query): Query<PollQuery>,
) -> Result<Response> {
    let timeout = Duration::from_secs(query.timeout_s.unwrap_or(30).into());
    let Some(message) = state.service().poll_executor(&caller, &id, timeout).await? else {
        return Ok(StatusCode::NO_CONTENT.into_response());
    };
    let headers = [
        (header::CONTENT_TYPE.as_str(), "application/json".to_owned()),
        ("webhook-id", message.id),
        ("webhook-timestamp", message.timestamp.to_string()),
        ("webhook-signature", message.signature),
    ];
    Ok((headers, message.body).into_response())
}
