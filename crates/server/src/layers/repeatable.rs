//! `Idempotency-Key`: a `POST` that is sent twice is carried out once, and the second gets the answer of the first.
//!
//! One mechanism for every endpoint, after draft-ietf-httpapi-idempotency-key-header. What was refused is not
//! remembered; what was carried out is answered the same for 24 hours, to the holder of the same credential. A request
//! that was begun goes on when its client goes away, so that the next attempt finds the answer.

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequestParts, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use backstay_model::ErrorKind;
use backstay_service::{Remembered, RepeatableRequest, Service, StoredAnswer};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use crate::body_limit::{STATE_BODY_BYTES, read_body};
use crate::error::ApiError;
use crate::extract::{App, SignedIn, credential};
use crate::state::AppState;

/// The header with the key.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// The longest answer that is remembered: a restore gives the state back.
const LONGEST_ANSWER: usize = STATE_BODY_BYTES;

/// Carries out a request with a key, or repeats the answer that it had.
pub(super) async fn repeatable(state: &AppState, request: Request, next: Next) -> Response {
    if request.method() != Method::POST || !request.headers().contains_key(IDEMPOTENCY_KEY) {
        return next.run(request).await;
    }
    // Signing in needs no key: nothing is done for somebody who cannot be told apart.
    let Ok(Some(credential)) = credential(request.headers()) else { return next.run(request).await };
    match once(state, &credential, request, next).await {
        Ok(response) => response,
        Err(error) => error.into_response(),
    }
}

async fn once(
    state: &AppState,
    credential: &str,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let key = key_of(request.headers())?;
    let (mut parts, body) = request.into_parts();
    let SignedIn { caller, .. } = SignedIn::from_request_parts(&mut parts, state).await?;
    let App(state) = match App::from_request_parts(&mut parts, state).await {
        Ok(app) => app,
        Err(never) => match never {},
    };
    let body = read_body(parts.uri.path(), &parts.headers, body, &state).await?;
    let path = parts.uri.path().to_owned();
    let query = without_wait(parts.uri.query().unwrap_or_default());
    let content = [caller.tenant.as_str().as_bytes(), path.as_bytes(), query.as_bytes(), &body];
    let repeatable = RepeatableRequest::new(credential, &key, &content);
    match state.service().remember_request(&repeatable).await? {
        Remembered::New => {}
        Remembered::Answered(answer) => return Ok(repeated(answer)),
        Remembered::UnderWay => {
            return Err(ApiError::new(ErrorKind::Conflict, "An earlier request with this key is under way")
                .code("request_under_way")
                .hint("Send it again in a moment, with the same key.")
                .retry_after(1));
        }
        Remembered::Unknown => {
            return Err(ApiError::new(
                ErrorKind::Conflict,
                "An earlier request with this key broke off, and whether it was carried out is not known",
            )
            .code("request_outcome_unknown")
            .hint("Look whether it was carried out. To send it again, use a new key."));
        }
        Remembered::Another => {
            return Err(ApiError::new(ErrorKind::Invalid, "The key was used for another request")
                .code("key_reused")
                .hint("Choose a new key for each request."));
        }
    }
    let request = Request::from_parts(parts, Body::from(body));
    let service = state.service().clone();
    let carried_out = tokio::spawn(async move {
        let response = next.run(request).await;
        remember(&service, &repeatable, response).await
    });
    match carried_out.await {
        Ok(response) => Ok(response),
        Err(stopped) if stopped.is_panic() => std::panic::resume_unwind(stopped.into_panic()),
        Err(_) => Err(ApiError::new(ErrorKind::Unavailable, "The server is shutting down")),
    }
}

/// Remembers the answer of what was carried out and forgets what was refused. What failed on the way stays begun: it may have been
/// carried out.
async fn remember(service: &Service, request: &RepeatableRequest, response: Response) -> Response {
    let status = response.status();
    let refused = status.is_client_error()
        || matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::INSUFFICIENT_STORAGE);
    if refused {
        note(service.forget_request(request).await);
        return response;
    }
    if !status.is_success() {
        return response;
    }
    let (parts, body) = response.into_parts();
    let body = match to_bytes(body, LONGEST_ANSWER).await {
        Ok(body) => body,
        Err(error) => {
            let failed = ApiError::new(ErrorKind::Internal, format!("the answer cannot be kept: {error}"));
            return failed.into_response();
        }
    };
    let text =
        |name| parts.headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).map(str::to_owned);
    let answer = StoredAnswer {
        status: status.as_u16(),
        content_type: text(header::CONTENT_TYPE),
        location: text(header::LOCATION),
        body: body.to_vec(),
    };
    note(service.answer_request(request, &answer).await);
    Response::from_parts(parts, Body::from(body))
}

fn note(kept: backstay_service::Result<()>) {
    if let Err(error) = kept {
        tracing::warn!(error.message = %error, "what became of a repeatable request could not be noted");
    }
}

/// The answer that was given before.
fn repeated(answer: StoredAnswer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let mut response = (status, Bytes::from(answer.body)).into_response();
    response.headers_mut().remove(header::CONTENT_TYPE);
    for (name, text) in [(header::CONTENT_TYPE, answer.content_type), (header::LOCATION, answer.location)] {
        if let Some(value) = text.and_then(|text| HeaderValue::from_str(&text).ok()) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

fn key_of(headers: &HeaderMap) -> Result<String, ApiError> {
    let mut given = headers.get_all(IDEMPOTENCY_KEY).iter();
    let text = given.next().and_then(|value| value.to_str().ok()).unwrap_or_default();
    let good = matches!(text.len(), 1..=200) && text.bytes().all(|b| b.is_ascii_graphic());
    if !good || given.next().is_some() {
        return Err(ApiError::bad_request(
            "`Idempotency-Key` must have 1 to 200 visible ASCII characters without spaces",
        ));
    }
    Ok(text.to_owned())
}

/// How long the client waits for the work is not part of what it asks for.
fn without_wait(query: &str) -> String {
    let kept: Vec<&str> = query.split('&').filter(|pair| !pair.starts_with("wait=")).collect();
    kept.join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_is_no_part_of_the_request() {
        assert_eq!(without_wait("wait=3"), "");
        assert_eq!(without_wait("a=1&wait=3&b=2"), "a=1&b=2");
        assert_eq!(without_wait("await=3"), "await=3");
    }

    #[test]
    fn a_key_is_visible_ascii_and_given_once() {
        let key = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(IDEMPOTENCY_KEY, value.parse().unwrap());
            }
            key_of(&headers).ok()
        };
        assert_eq!(key(&["k-1"]).as_deref(), Some("k-1"));
        for bad in [&["a b"][..], &[""], &["a", "a"], &[&"x".repeat(201)]] {
            assert_eq!(key(bad), None, "{bad:?}");
        }
    }
}
