//! How large the body of a request may be.

use axum::body::Body;
use backstay_model::ErrorKind;
use backstay_service::MAX_STATE_BYTES;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use http::{HeaderMap, header};

use crate::error::ApiError;
use crate::state::AppState;

/// Room for a state of the largest size with everything around it, so that a larger one is told by its own size.
pub(crate) const STATE_BODY_BYTES: usize = MAX_STATE_BYTES + (16 << 20);
/// Base64 makes bytes longer by a third.
const THREAD_BODY_BYTES: usize = STATE_BODY_BYTES / 3 * 4;

/// A snapshot file, with a form around it.
pub(crate) const IMPORT_BODY_BYTES: usize = 256 << 20;

/// The most bytes that the body of a request to `path` may have, and whether it carries states.
fn limit(path: &str, state: &AppState) -> (usize, bool) {
    let below =
        |prefix: &str| path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if path == "/api/v1/snapshots/import" {
        (IMPORT_BODY_BYTES, false)
    } else if below("/api/v1/threads") {
        (THREAD_BODY_BYTES, true)
    } else if below("/api/checkpoints") || below("/api/v1/checkpoints") || below("/api/v1/executions") {
        (STATE_BODY_BYTES, true)
    } else {
        (state.settings().body_limit_bytes, false)
    }
}

/// Reads the body of a request to `path` to its end. What is too large is refused by its declared length where it has
/// one, before it is read.
pub(crate) async fn read_body(
    path: &str,
    headers: &HeaderMap,
    body: Body,
    state: &AppState,
) -> Result<Bytes, ApiError> {
    let (limit, has_states) = limit(path, state);
    let too_large = |bytes: Option<u64>| {
        let how_large = match bytes {
            Some(bytes) => format!("The body is {bytes} bytes"),
            None => format!("The body is more than {limit} bytes"),
        };
        let what = if has_states {
            format!("{how_large}; the limit of a state is {MAX_STATE_BYTES}")
        } else {
            format!("{how_large}; the limit is {limit}")
        };
        ApiError::new(ErrorKind::TooLarge, what)
    };
    let declared =
        headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if declared.is_some_and(|declared| declared > limit as u64) {
        return Err(too_large(declared));
    }
    let mut read = BytesMut::with_capacity(usize::try_from(declared.unwrap_or(0)).unwrap_or(0).min(1 << 20));
    let mut parts = body.into_data_stream();
    while let Some(part) = parts.next().await {
        let part = part.map_err(|_| ApiError::bad_request("The body could not be read to its end"))?;
        if part.len() > limit - read.len() {
            return Err(too_large(None));
        }
        read.extend_from_slice(&part);
    }
    Ok(read.freeze())
}
