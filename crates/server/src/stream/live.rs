//! Server-sent events.

use std::convert::Infallible;

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use backstay_model::ErrorKind;
use futures_util::{Stream, StreamExt};
use http::{HeaderName, HeaderValue};
use tokio::sync::OwnedSemaphorePermit;

use crate::error::{ApiError, Result};
use crate::state::AppState;

/// A place for one more live stream; 503 when all are taken.
pub(crate) fn stream_place(state: &AppState) -> Result<OwnedSemaphorePermit> {
    state
        .streams()
        .clone()
        .try_acquire_owned()
        .map_err(|_| ApiError::new(ErrorKind::Unavailable, "Too many live streams are open"))
}

/// Sends `events` until they end, the server shuts down, or the stream has lived long enough. Comments keep it open
/// while nothing happens.
pub(crate) fn live<S>(state: &AppState, place: OwnedSemaphorePermit, events: S) -> Response
where
    S: Stream<Item = Result<Event, Infallible>> + Send + 'static,
{
    let settings = state.settings();
    let shutdown = state.shutdown().clone();
    let lifetime = settings.stream_lifetime;
    let end = async move {
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = tokio::time::sleep(lifetime) => {}
        }
    };
    let events = events.take_until(Box::pin(end)).map(move |event| {
        let _held_until_the_stream_ends = &place;
        event
    });
    let sse = Sse::new(events).keep_alive(KeepAlive::new().interval(settings.heartbeat).text("heartbeat"));
    let mut response = sse.into_response();
    // A proxy must not hold events back.
    response
        .headers_mut()
        .insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    response
}
