//! `POST /api/v1/sessions`

use axum::response::IntoResponse;
use axum::response::Response;
use axum_extra::extract::cookie::CookieJar;
use backstay_api::session::{NewSession, Session};
use backstay_model::{Actor, ActorKind, Caller};
use backstay_service::view::SignedIn;

use crate::answer::created;
use crate::error::Result;
use crate::extract::{App, Json, RemoteAddress};
use crate::problems::{Limited, Open, WithBody};
use crate::session_cookie::session_cookie;
use crate::state::AppState;
use crate::wire;

/// Signs in with name and password. The cookie of the answer is the session; its `csrf_token` accompanies unsafe
/// requests. An unknown name, a wrong password and a disabled user look the same.
#[utoipa::path(
    post,
    path = "/api/v1/sessions",
    tag = "access",
    security(()),
    responses(
        (status = 201, description = "Signed in.", body = Session,
            headers(("Set-Cookie" = String, description = "The session: HttpOnly, SameSite=Strict."))),
        (status = 401, description = "Name or password is wrong.", content_type = "application/problem+json",
            body = backstay_api::Problem),
        Open, WithBody, Limited
    )
)]
pub(crate) async fn create_session(
    App(state): App,
    RemoteAddress(remote): RemoteAddress,
    jar: CookieJar,
    Json(new): Json<NewSession>,
) -> Result<Response> {
    let signed_in = state.service().login(&new.name, &new.password, &remote.to_string()).await?;
    let jar = with_cookie(&state, jar, &signed_in);
    let session = wire::session(caller_of(&signed_in), Some(signed_in.session));
    Ok((jar, created("/api/v1/sessions/me", session)).into_response())
}

/// The cookies of an answer that signs somebody in.
pub(super) fn with_cookie(state: &AppState, jar: CookieJar, signed_in: &SignedIn) -> CookieJar {
    let now = state.service().clock().now();
    jar.add(session_cookie(&signed_in.secret, signed_in.session.expires_at, now, state.settings()))
}

fn caller_of(signed_in: &SignedIn) -> Caller {
    let user = &signed_in.user;
    let actor = Actor { kind: ActorKind::User, id: user.id.to_string(), name: user.name.clone() };
    Caller { actor, tenant: user.tenant.clone(), role: user.role }
}
