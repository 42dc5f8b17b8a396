//! `GET /api/v1/audit/verify`

use axum::Json;
use backstay_api::audit::AuditVerification;

use crate::error::Result;
use crate::extract::{App, SignedIn};
use crate::problems::Signed;
use crate::wire;

/// Recomputes the hash chain of the whole log and tells whether every event is there, unaltered and in order.
#[utoipa::path(
    get,
    path = "/api/v1/audit/verify",
    tag = "events",
    responses((status = 200, description = "What was found.", body = AuditVerification), Signed)
)]
pub(crate) async fn verify_audit(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
) -> Result<Json<AuditVerification>> {
    Ok(Json(wire::audit_verification(state.service().verify_audit(&caller).await?)))
}
