//! `GET /metrics`

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use backstay_model::{Action, ErrorKind, Subject, policy};
use http::header;
use http::request::Parts;

use crate::denied;
use crate::error::{ApiError, Result};
use crate::extract::{RemoteAddress, SignedIn};
use crate::problems::Signed;
use crate::recorder;
use crate::state::AppState;

/// Shows the metrics in the text format of Prometheus. From this machine without a sign-in, from elsewhere for an admin.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "operation",
    security((), ("token" = []), ("api_key" = []), ("session" = [])),
    responses((status = 200, description = "The metrics.", content_type = "text/plain", body = String), Signed)
)]
pub(crate) async fn metrics(_: MetricsReader) -> Response {
    let text = recorder::handle().render();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}

/// Somebody who may read the metrics.
pub(crate) struct MetricsReader;

impl FromRequestParts<AppState> for MetricsReader {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let RemoteAddress(remote) = match RemoteAddress::from_request_parts(parts, state).await {
            Ok(remote) => remote,
            Err(never) => match never {},
        };
        if remote.to_canonical().is_loopback() {
            return Ok(Self);
        }
        let signed_in = SignedIn::from_request_parts(parts, state).await?;
        if policy::allows(signed_in.caller.role, None, Action::Audit) {
            Ok(Self)
        } else {
            let refused = ApiError::new(ErrorKind::Forbidden, "Only an admin may read the metrics");
            let subject = Subject::new("metrics", "server");
            denied::record(state, &signed_in.caller, "access_denied", subject, refused.sentence()).await;
            Err(refused)
        }
    }
}
