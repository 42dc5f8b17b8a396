//! `GET /api/v1/operations/{id}/output`

use std::time::Duration;

use async_stream::stream;
use axum::response::Response;
use axum::response::sse::Event;
use backstay_api::upgrade::{OutputQuery, UpgradeEvent};
use backstay_model::OperationId;
use backstay_service::view::OperationState;
use http::HeaderMap;

use crate::binary::ServerSentEvent;
use crate::endpoints::events::last_event_id;
use crate::error::Result;
use crate::extract::{App, IdPath, PathId, Query, SignedIn};
use crate::problems::{Conflicting, OfOne, Queried, Signed};
use crate::stream::{live, stream_place};
use crate::wire;

/// How often a running operation is looked at.
const INTERVAL: Duration = Duration::from_millis(100);

/// Follows what the commands of an upgrade say, as server-sent events from the beginning on, also after its end: the
/// output of the newest 50 upgrades of a workspace is kept, 10 MiB of each command.
///
/// Each `data` is an `UpgradeEvent`, `event` its kind, and `id` where it ends, for `Last-Event-ID` (or `after`). The last
/// one, `end`, has the state of the operation as `data`; a stream that ends without it is to be taken up again.
#[utoipa::path(
    get,
    path = "/api/v1/operations/{id}/output",
    tag = "upgrades",
    params(IdPath, OutputQuery, ("Last-Event-ID" = Option<String>, Header, description = "The `id` of the last event that was received.",
        pattern = "^[0-9]{1,16}$")),
    responses(
        (status = 200, description = "Each `data` is an event (`UpgradeEvent`).", content_type = "text/event-stream", body = ServerSentEvent),
        Signed, OfOne, Queried, Conflicting
    )
)]
pub(crate) async fn operation_output(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    PathId(id): PathId<OperationId>,
    Query(query): Query<OutputQuery>,
    headers: HeaderMap,
) -> Result<Response> {
    let mut from = last_event_id(&headers)?.or(query.after).unwrap_or(0);
    let place = stream_place(&state)?;
    let service = state.service().clone();
    let mut part = service.operation_output(&caller, &id, from).await?;
    let events = stream! {
        loop {
            let is_over = part.events.is_empty() && part.state != OperationState::Running;
            let is_silent = part.events.is_empty();
            for kept in part.events {
                from = kept.next;
                yield Ok(event_of(&wire::upgrade_event(kept.event), from));
            }
            if is_over {
                let state = wire::operation_state(part.state);
                yield Ok(Event::default().event("end").data(serde_json::to_string(&state).unwrap_or_default()));
                break;
            }
            if is_silent {
                tokio::time::sleep(INTERVAL).await;
            }
            part = match service.operation_output(&caller, &id, from).await {
                Ok(part) => part,
                Err(error) => {
                    tracing::warn!(operation.id = %id, error.message = %error, "a stream of output was broken off");
                    break;
                }
            };
        }
    };
    Ok(live(&state, place, events))
}

fn event_of(event: &UpgradeEvent, next: u64) -> Event {
    let kind = match event {
        UpgradeEvent::Recovered { .. } => "recovered",
        UpgradeEvent::Started { .. } => "started",
        UpgradeEvent::Output { .. } => "output",
        UpgradeEvent::Truncated { .. } => "truncated",
        UpgradeEvent::Ended { .. } => "ended",
        UpgradeEvent::Finished { .. } => "finished",
    };
    let data = serde_json::to_string(event).unwrap_or_default();
    Event::default().id(next.to_string()).event(kind).data(data)
}
