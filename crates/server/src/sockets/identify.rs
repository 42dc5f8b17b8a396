//! Who opens a socket: by header, by cookie from our own pages, or by the first frame. Never by the address, which ends up in logs.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::extract::ws::{Message, WebSocket};
use backstay_model::{Caller, ErrorKind, TenantId};
use http::request::Parts;
use http::{HeaderMap, header};
use serde::Deserialize;

use super::code;
use crate::denied;
use crate::extract::{RemoteAddress, SignedIn, credential};
use crate::session_cookie::session_secret;
use crate::state::AppState;

/// How long a client may take to say who it is.
const FIRST_FRAME: Duration = Duration::from_secs(10);

/// By what a client is identified, to be looked at again now and then.
#[derive(Debug, Clone)]
enum Credential {
    Token(String),
    Session(String),
}

/// Who opened a socket.
#[derive(Debug, Clone)]
pub(super) struct Identity {
    pub(super) caller: Caller,
    credential: Credential,
}

/// A close code and its reason.
pub(super) type Refusal = (u16, String);

/// What the request for a socket tells of who it is.
pub(super) enum Opener {
    Known(Identity),
    /// The first frame tells.
    Unknown,
    Refused(Refusal),
}

#[derive(Deserialize)]
struct AuthFrame {
    r#type: String,
    token: String,
}

impl FromRequestParts<AppState> for Opener {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Infallible> {
        let secret = match credential(&parts.headers) {
            Ok(Some(secret)) => secret,
            Ok(None) => return Ok(Self::Unknown),
            Err(error) => return Ok(Self::Refused((code::UNAUTHENTICATED, error.sentence().to_owned()))),
        };
        let by_cookie = session_secret(&parts.headers).as_deref() == Some(secret.as_str());
        if by_cookie && !is_from_our_page(&parts.headers) {
            let reason = "The page that opens the socket is not one of this server".to_owned();
            return Ok(Self::Refused((code::FORBIDDEN, reason)));
        }
        Ok(match SignedIn::from_request_parts(parts, state).await {
            Ok(SignedIn { caller, .. }) => {
                let credential =
                    if by_cookie { Credential::Session(secret) } else { Credential::Token(secret) };
                Self::Known(Identity { caller, credential })
            }
            Err(error) => Self::Refused((code_of(error.kind()), error.sentence().to_owned())),
        })
    }
}

impl Opener {
    /// Who it is, after the first frame where that must tell.
    pub(super) async fn identified(
        self,
        socket: &mut WebSocket,
        state: &AppState,
        remote: RemoteAddress,
    ) -> Result<Identity, Refusal> {
        match self {
            Self::Known(identity) => Ok(identity),
            Self::Refused(refusal) => Err(refusal),
            Self::Unknown => first_frame(socket, state, remote).await,
        }
    }
}

async fn first_frame(
    socket: &mut WebSocket,
    state: &AppState,
    RemoteAddress(remote): RemoteAddress,
) -> Result<Identity, Refusal> {
    let refused = |reason: &str| Err((code::UNAUTHENTICATED, reason.to_owned()));
    let Ok(Some(Ok(Message::Text(text)))) = tokio::time::timeout(FIRST_FRAME, socket.recv()).await else {
        return refused("No credentials came");
    };
    let Some(frame) = serde_json::from_str::<AuthFrame>(&text).ok().filter(|frame| frame.r#type == "auth")
    else {
        return refused("The first frame must be {\"type\": \"auth\", \"token\": …}");
    };
    match state.service().authenticate_token(&frame.token).await {
        Ok(caller) => Ok(Identity { caller, credential: Credential::Token(frame.token) }),
        Err(error) if error.kind == ErrorKind::Unauthenticated => {
            let detail = "an unknown, expired or revoked token";
            denied::record_unknown(state, "token.rejected", &remote.to_string(), detail).await;
            refused("The token is unknown, expired or revoked")
        }
        Err(error) => Err((code_of(error.kind), "The token could not be checked".to_owned())),
    }
}

impl Identity {
    /// Looks whether the credential still holds.
    pub(super) async fn check_again(&mut self, state: &AppState) -> Result<(), Refusal> {
        let found = match &self.credential {
            Credential::Token(secret) => state.service().authenticate_token(secret).await,
            Credential::Session(secret) => {
                state.service().authenticate_session(secret).await.map(|(caller, _)| caller)
            }
        };
        match found {
            Ok(caller) => {
                // The tenant that a superadmin has chosen stays.
                let tenant: TenantId = self.caller.tenant.clone();
                if !caller.sees(&tenant) {
                    return Err((code::FORBIDDEN, "The tenant is no longer yours".to_owned()));
                }
                self.caller = Caller { tenant, ..caller };
                Ok(())
            }
            Err(error) if error.kind == ErrorKind::Unauthenticated => {
                Err((code::UNAUTHENTICATED, "The credentials have ended".to_owned()))
            }
            // What cannot be looked at now is looked at the next time.
            Err(_) => Ok(()),
        }
    }
}

fn code_of(kind: ErrorKind) -> u16 {
    match kind {
        ErrorKind::Unauthenticated | ErrorKind::BadRequest => code::UNAUTHENTICATED,
        ErrorKind::Forbidden => code::FORBIDDEN,
        _ => code::FAILED,
    }
}

/// Whether the page that opens the socket came from this server: a browser sends cookies for any page.
fn is_from_our_page(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok());
    let (Some(origin), Some(host)) = (text(header::ORIGIN), text(header::HOST)) else { return false };
    origin.split_once("://").is_some_and(|(_, authority)| authority.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_page_of_the_same_server_may_use_its_cookie() {
        let from = |origin: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, "backstay.example:8470".parse().unwrap());
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, origin.parse().unwrap());
            }
            is_from_our_page(&headers)
        };
        assert!(from(Some("https://backstay.example:8470")));
        for other in [
            None,
            Some("null"),
            Some("https://backstay.example"),
            Some("https://evil.example"),
            Some("https://backstay.example:8470.evil.example"),
        ] {
            assert!(!from(other), "{other:?}");
        }
    }
}
