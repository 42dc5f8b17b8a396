//! Who makes the request.

use axum::extract::FromRequestParts;
use backstay_model::{Caller, ErrorKind, Role, Subject, TenantId};
use backstay_service::view::Session;
use http::request::Parts;
use http::{HeaderMap, Method, header};
use subtle::ConstantTimeEq;

use super::{App, RemoteAddress};
use crate::denied;
use crate::error::ApiError;
use crate::session_cookie::session_secret;
use crate::state::AppState;

/// Somebody who could be identified: by `Authorization: Bearer`, by `X-API-Key`, or by the cookie of a session. An
/// unsafe request by cookie must carry the `X-CSRF-Token` of its session.
pub(crate) struct SignedIn {
    /// On whose behalf the use case runs.
    pub(crate) caller: Caller,
    /// The session and its secret, when it is one.
    pub(crate) session: Option<(Session, String)>,
}

impl FromRequestParts<AppState> for SignedIn {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let App(state) = match App::from_request_parts(parts, state).await {
            Ok(app) => app,
            Err(never) => match never {},
        };
        let state = &state;
        let RemoteAddress(remote) = match RemoteAddress::from_request_parts(parts, state).await {
            Ok(remote) => remote,
            Err(never) => match never {},
        };
        let remote = remote.to_string();
        let mut signed_in = if let Some(secret) = token(&parts.headers)? {
            by_token(state, &secret, &remote).await?
        } else if let Some(secret) = session_secret(&parts.headers) {
            by_session(state, secret, parts).await?
        } else {
            return Err(unauthenticated("Sign in first, or send an API token"));
        };
        if let Err(refused) = choose_tenant(&mut signed_in.caller, &parts.headers) {
            if refused.kind() == ErrorKind::Forbidden {
                let subject = Subject::new("tenant", "another");
                denied::record(state, &signed_in.caller, "access_denied", subject, refused.sentence()).await;
            }
            return Err(refused);
        }
        Ok(signed_in)
    }
}

fn unauthenticated(detail: &str) -> ApiError {
    ApiError::new(ErrorKind::Unauthenticated, detail)
        .hint("Send `Authorization: Bearer …` or `X-API-Key: …`; an administrator can make a token.")
}

/// The secret by which a request identifies its caller, if it has one.
pub(crate) fn credential(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    Ok(token(headers)?.or_else(|| session_secret(headers)))
}

/// The API token of a request, if it has one.
fn token(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let unreadable = || ApiError::bad_request("The header with the token is not readable");
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let text = value.to_str().map_err(|_| unreadable())?;
        let (scheme, secret) = text.split_once(' ').unwrap_or((text, ""));
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(unauthenticated("Only the scheme `Bearer` is understood"));
        }
        return Ok(Some(secret.trim().to_owned()));
    }
    headers
        .get("x-api-key")
        .map(|value| value.to_str().map(str::to_owned).map_err(|_| unreadable()))
        .transpose()
}

async fn by_token(state: &AppState, secret: &str, remote: &str) -> Result<SignedIn, ApiError> {
    match state.service().authenticate_token(secret).await {
        Ok(caller) => Ok(SignedIn { caller, session: None }),
        Err(error) if error.kind == ErrorKind::Unauthenticated => {
            denied::record_unknown(state, "token.rejected", remote, "an unknown, expired or revoked token")
                .await;
            Err(unauthenticated("The token is unknown, expired or revoked"))
        }
        Err(error) => Err(error.into()),
    }
}

async fn by_session(state: &AppState, secret: String, parts: &Parts) -> Result<SignedIn, ApiError> {
    let (caller, session) = state.service().authenticate_session(&secret).await?;
    if !is_from_our_page(&parts.method, &parts.headers, &session.csrf_token) {
        let subject = Subject::new("session", &session.id);
        denied::record(
            state,
            &caller,
            "session.csrf_rejected",
            subject,
            "a request without the token of its session",
        )
        .await;
        return Err(ApiError::new(
            ErrorKind::Forbidden,
            "The request does not carry the token of its session",
        )
        .hint("Send `csrf_token` of GET /api/v1/sessions/me as the header `X-CSRF-Token`."));
    }
    Ok(SignedIn { caller, session: Some((session, secret)) })
}

/// Whether a request by cookie is safe, or carries the token that only our own pages can read.
fn is_from_our_page(method: &Method, headers: &HeaderMap, csrf_token: &str) -> bool {
    let given = headers.get("x-csrf-token").map_or(&b""[..], |value| value.as_bytes());
    method.is_safe() || (!csrf_token.is_empty() && bool::from(given.ct_eq(csrf_token.as_bytes())))
}

/// A superadmin may act in another tenant by naming it.
fn choose_tenant(caller: &mut Caller, headers: &HeaderMap) -> Result<(), ApiError> {
    let Some(value) = headers.get("x-backstay-tenant") else { return Ok(()) };
    let tenant = value.to_str().ok().and_then(|text| TenantId::parse(text).ok());
    match tenant {
        Some(tenant) if caller.role == Role::Superadmin => {
            caller.tenant = tenant;
            Ok(())
        }
        Some(tenant) if tenant == caller.tenant => Ok(()),
        Some(_) => Err(ApiError::new(ErrorKind::Forbidden, "Only a superadmin may act in another tenant")),
        None => Err(ApiError::bad_request("`X-Backstay-Tenant` is not the id of a tenant")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unsafe_request_by_cookie_needs_the_token_of_its_session() {
        let mut headers = HeaderMap::new();
        assert!(is_from_our_page(&Method::GET, &headers, "t"));
        assert!(!is_from_our_page(&Method::POST, &headers, "t"));
        assert!(!is_from_our_page(&Method::POST, &headers, ""), "an empty token proves nothing");
        headers.insert("x-csrf-token", "other".parse().unwrap());
        assert!(!is_from_our_page(&Method::DELETE, &headers, "t"));
        headers.insert("x-csrf-token", "t".parse().unwrap());
        assert!(is_from_our_page(&Method::DELETE, &headers, "t"));
    }

    #[test]
    fn both_headers_carry_a_token_and_other_schemes_are_refused() {
        let with = |name: &'static str, value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            token(&headers).map_err(|error| error.sentence().to_owned())
        };
        assert_eq!(with("authorization", "bearer  abc"), Ok(Some("abc".to_owned())));
        assert_eq!(with("x-api-key", "abc"), Ok(Some("abc".to_owned())));
        assert!(with("authorization", "Basic abc").is_err());
        assert_eq!(with("x-other", "abc"), Ok(None));
    }
}
