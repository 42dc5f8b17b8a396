//! `GET /api/v1/audit/export.csv`

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use backstay_api::audit::ExportQuery;
use backstay_model::{Caller, SourceId};
use backstay_service::ExportFormat;
use backstay_service::view::EventFilter;
use futures_util::StreamExt;
use http::{HeaderValue, header};

use crate::disposition::content_disposition;
use crate::error::Result;
use crate::extract::{App, Query, SignedIn};
use crate::problems::{Queried, Signed};
use crate::state::AppState;

/// Exports the audit trail as CSV (RFC 4180), oldest first, made while it is sent.
#[utoipa::path(
    get,
    path = "/api/v1/audit/export.csv",
    tag = "events",
    params(ExportQuery),
    responses((status = 200, description = "The events.", content_type = "text/csv", body = String), Signed, Queried)
)]
pub(crate) async fn export_audit_csv(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Query(query): Query<ExportQuery>,
) -> Result<Response> {
    export(&state, &caller, query, ExportFormat::Csv).await
}

/// Streams the events that `query` asks for. An error on the way breaks the transfer off.
pub(super) async fn export(
    state: &AppState,
    caller: &Caller,
    query: ExportQuery,
    format: ExportFormat,
) -> Result<Response> {
    let filter = EventFilter {
        actions: query.action.into_iter().collect(),
        source: query.source.as_deref().map(|source| SourceId::parse(source).unwrap_or_else(|_| nothing())),
        subject: query.subject,
        actor: query.actor,
        outcome: query.outcome.map(|outcome| outcome.as_str().to_owned()),
        since: query.since,
        until: query.until,
        text: query.q,
    };
    let lines = state.service().export_audit(caller, &filter, format).await?;
    let lines = lines.inspect(|line| {
        if let Err(error) = line {
            tracing::error!(error.message = %error, "an export of the audit trail was broken off");
        }
    });
    let (media_type, name) = match format {
        ExportFormat::Csv => ("text/csv; charset=utf-8", &b"audit.csv"[..]),
        ExportFormat::JsonLines => ("application/jsonl", &b"audit.jsonl"[..]),
    };
    let mut response = Body::from_stream(lines).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response.headers_mut().insert(header::CONTENT_DISPOSITION, content_disposition(name, true));
    Ok(response)
}

/// A source that nothing has: what a text that is no id stands for.
fn nothing() -> SourceId {
    SourceId::parse("-").expect("it is an id")
}
