//! `GET /api/v1/audit/export.jsonl`

use axum::response::Response;
use backstay_api::audit::ExportQuery;
use backstay_service::ExportFormat;

use super::export_csv::export;
use crate::error::Result;
use crate::extract::{App, Query, SignedIn};
use crate::problems::{Queried, Signed};

/// Exports the audit trail as JSON Lines, one event a line, oldest first, made while it is sent.
#[utoipa::path(
    get,
    path = "/api/v1/audit/export.jsonl",
    tag = "events",
    params(ExportQuery),
    responses(
        (status = 200, description = "The events.", content_type = "application/jsonl", body = String),
        Signed, Queried
    )
)]
pub(crate) async fn export_audit_jsonl(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Query(query): Query<ExportQuery>,
) -> Result<Response> {
    export(&state, &caller, query, ExportFormat::JsonLines).await
}
