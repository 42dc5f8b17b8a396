//! `GET /login`

use axum::response::{Html, IntoResponse, Redirect, Response};
use axum_extra::extract::cookie::CookieJar;
use backstay_api::session::LoginQuery;
use backstay_model::ErrorKind;
use http::{HeaderMap, StatusCode, header};

use super::create_session::with_cookie;
use crate::error::Result;
use crate::extract::{App, Query, RemoteAddress};
use crate::problems::{Limited, Open, Queried};

/// Signs in by a login link, once, and leads to the overview.
#[utoipa::path(
    get,
    path = "/login",
    tag = "access",
    params(LoginQuery),
    security(()),
    responses(
        (status = 303, description = "Signed in.",
            headers(
                ("Location" = String, description = "The overview."),
                ("Set-Cookie" = String, description = "The session: HttpOnly, SameSite=Strict.")
            )),
        (status = 401, description = "The link is unknown, was used, or is too old.", content(
            (backstay_api::Problem = "application/problem+json"),
            (String = "text/html")
        )),
        Open, Queried, Limited
    )
)]
pub(crate) async fn login(
    App(state): App,
    RemoteAddress(remote): RemoteAddress,
    Query(query): Query<LoginQuery>,
    headers: HeaderMap,
    jar: CookieJar,
) -> Result<Response> {
    match state.service().redeem_login_link(&query.token, &remote.to_string()).await {
        Ok(signed_in) => Ok((with_cookie(&state, jar, &signed_in), Redirect::to("/")).into_response()),
        Err(error) if error.kind == ErrorKind::Unauthenticated && is_browser(&headers) => {
            let page = Html(include_str!("../../../assets/login-failed.html"));
            Ok((StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Bearer")], page).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

fn is_browser(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}
