//! `GET /api/v1/sessions/me`

use axum::Json;
use backstay_api::session::Session;

use crate::error::Result;
use crate::extract::SignedIn;
use crate::problems::Signed;
use crate::wire;

/// Shows who the caller is, also for a token.
#[utoipa::path(
    get,
    path = "/api/v1/sessions/me",
    tag = "access",
    responses((status = 200, description = "The caller.", body = Session), Signed)
)]
pub(crate) async fn get_session(signed_in: SignedIn) -> Result<Json<Session>> {
    let session = signed_in.session.map(|(session, _)| session);
    Ok(Json(wire::session(signed_in.caller, session)))
}
