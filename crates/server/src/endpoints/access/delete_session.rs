//! `DELETE /api/v1/sessions/me`

use axum::response::{IntoResponse, Response};
use axum_extra::extract::cookie::CookieJar;
use backstay_model::ErrorKind;
use http::StatusCode;

use crate::error::{ApiError, Result};
use crate::extract::{App, SignedIn};
use crate::problems::{Conflicting, Signed};
use crate::session_cookie::ended_cookie;

/// Signs out: the session ends on the server and the browser forgets its cookie.
#[utoipa::path(
    delete,
    path = "/api/v1/sessions/me",
    tag = "access",
    responses((status = 204, description = "Signed out."), Signed, Conflicting)
)]
pub(crate) async fn delete_session(App(state): App, signed_in: SignedIn, jar: CookieJar) -> Result<Response> {
    let Some((_, secret)) = signed_in.session else {
        return Err(ApiError::new(ErrorKind::Conflict, "The caller is a token and has no session to end")
            .hint("Revoke the token with DELETE /api/v1/tokens/{id}."));
    };
    state.service().logout(&signed_in.caller, &secret).await?;
    Ok((jar.add(ended_cookie(state.settings())), StatusCode::NO_CONTENT).into_response())
}
