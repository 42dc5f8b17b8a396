//! `GET /api/v1/events/stream`

use async_stream::stream;
use axum::response::Response;
use axum::response::sse::Event as SseEvent;
use backstay_api::event::{Event, StreamQuery};
use futures_util::StreamExt;
use http::HeaderMap;

use crate::binary::ServerSentEvent;
use crate::error::{ApiError, Result};
use crate::extract::{App, Query, SignedIn};
use crate::problems::{Queried, Signed};
use crate::stream::{live, stream_place};
use crate::wire;

/// Follows events as they are committed, as server-sent events.
///
/// Each has its number as `id`, its action as `event` and itself as `data`. With `Last-Event-ID` (or `after`) those
/// that came after that number are sent first, so nothing is missed between two connections. Comments keep a silent
/// connection open. The server ends a stream now and then; a client comes back where it was.
#[utoipa::path(
    get,
    path = "/api/v1/events/stream",
    tag = "events",
    params(StreamQuery, ("Last-Event-ID" = Option<String>, Header, description = "The number of the last event that was received.",
        pattern = "^[0-9]{1,16}$")),
    responses(
        (status = 200, description = "Each `data` is an event (`Event`).", content_type = "text/event-stream", body = ServerSentEvent),
        Signed, Queried
    )
)]
pub(crate) async fn stream_events(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Query(query): Query<StreamQuery>,
    headers: HeaderMap,
) -> Result<Response> {
    let after = last_event_id(&headers)?.or(query.after);
    let place = stream_place(&state)?;
    let mut events = state.service().subscribe_events(&caller, after).await?;
    let wanted = query.action;
    let events = stream! {
        while let Some(event) = events.next().await {
            match event {
                Ok(event) if matches(wanted.as_deref(), &event.action) => yield Ok(sse_event(&wire::event(event))),
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(error.message = %error, "a stream of events was broken off");
                    break;
                }
            }
        }
    };
    Ok(live(&state, place, events))
}

pub(in crate::endpoints) fn last_event_id(headers: &HeaderMap) -> Result<Option<u64>> {
    let Some(value) = headers.get("last-event-id") else { return Ok(None) };
    match value.to_str().unwrap_or_default() {
        "" => Ok(None),
        text => text
            .parse::<u64>()
            .ok()
            .filter(|number| i64::try_from(*number).is_ok())
            .map(Some)
            .ok_or_else(|| ApiError::bad_request("`Last-Event-ID` is not the number of an event")),
    }
}

/// Whether `action` is `wanted`; one that ends with a dot stands for all that begin so.
fn matches(wanted: Option<&str>, action: &str) -> bool {
    wanted.is_none_or(
        |wanted| if wanted.ends_with('.') { action.starts_with(wanted) } else { action == wanted },
    )
}

fn sse_event(event: &Event) -> SseEvent {
    SseEvent::default()
        .id(event.seq.to_string())
        .event(event.action.replace(['\r', '\n'], " "))
        .data(serde_json::to_string(event).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dot_at_the_end_stands_for_all_that_begin_so() {
        assert!(matches(None, "snapshot.created"));
        assert!(matches(Some("snapshot."), "snapshot.created"));
        assert!(!matches(Some("snapshot"), "snapshot.created"));
        assert!(matches(Some("snapshot.created"), "snapshot.created"));
    }

    #[test]
    fn the_place_to_resume_is_a_number_or_refused() {
        let with = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("last-event-id", text.parse().unwrap());
            last_event_id(&headers).map_err(|error| error.sentence().to_owned())
        };
        assert_eq!(with("42"), Ok(Some(42)));
        assert_eq!(with(""), Ok(None));
        assert!(with("abc").is_err() && with("-1").is_err() && with("18446744073709551615").is_err());
    }
}
