//! `POST /api/v1/snapshots`

use std::time::Duration;

use axum::Json;
use axum::response::{IntoResponse, Response};
use backstay_api::snapshot::{SnapshotAccepted, SnapshotRequest, SnapshotTaken};
use backstay_model::{Caller, SnapshotState, SourceId};
use backstay_service::PageRequest;
use backstay_service::view::{NewSnapshot, SourceFilter};
use http::StatusCode;

use crate::answer::{accepted, created};
use crate::error::{ApiError, Result};
use crate::extract::{App, QueryOrBody, SignedIn, parse_id};
use crate::problems::{Conflicting, OfOne, Signed, Storing, WithBody};
use crate::state::AppState;
use crate::wire;

/// How long to wait when the request does not say.
pub(super) const WAIT_S: u32 = 60;

/// Takes a snapshot of a source and waits for it.
///
/// Parameters stand in the query or in a body; the body wins. When the capture has not ended in time, the answer is 202
/// with the snapshot and its task.
#[utoipa::path(
    post,
    path = "/api/v1/snapshots",
    tag = "snapshots",
    params(SnapshotRequest),
    request_body = Option<SnapshotRequest>,
    responses(
        (status = 201, description = "The snapshot was taken.", body = SnapshotTaken),
        (status = 202, description = "It is still being taken.", body = SnapshotAccepted),
        Signed, OfOne, WithBody, Conflicting, Storing
    )
)]
pub(crate) async fn take_snapshot(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    QueryOrBody(request): QueryOrBody<SnapshotRequest>,
) -> Result<Response> {
    let source = source_of(&state, &caller, request.source.as_deref()).await?;
    let new = NewSnapshot {
        label: request.name.unwrap_or_default(),
        description: request.description.unwrap_or_default(),
        ..NewSnapshot::default()
    };
    let wait = Duration::from_secs(request.wait_s.unwrap_or(WAIT_S).into());
    let queued = state.service().queue_snapshot(&caller, &source, new).await?;
    let location = format!("/api/v1/snapshots/{}", queued.id);
    let task = state.service().wait_task(&caller, &queued.task, wait).await?;
    let snapshot = state.service().show_snapshot(&caller, &queued.id).await?;
    match snapshot.state {
        SnapshotState::Creating => {
            let body = SnapshotAccepted {
                id: queued.id.into(),
                state: SnapshotState::Creating,
                task_id: queued.task.into(),
            };
            Ok(accepted(&location, body))
        }
        SnapshotState::Failed => {
            let reason = snapshot.state_reason.unwrap_or_else(|| "it was broken off".to_owned());
            Err(ApiError::of_failed_task(&task, format!("Failed to create snapshot: {reason}")))
        }
        _ => {
            let message = "Snapshot created successfully".to_owned();
            Ok(created(&location, SnapshotTaken { snapshot: wire::snapshot(snapshot, true), message }))
        }
    }
}

/// The named source, or the only one that the caller sees.
async fn source_of(state: &AppState, caller: &Caller, named: Option<&str>) -> Result<SourceId> {
    if let Some(named) = named {
        return parse_id(named);
    }
    let page = state.service().list_sources(caller, &SourceFilter::default(), &PageRequest::first(2)).await?;
    let mut found = page.items.into_iter().map(|source| source.id);
    match (found.next(), found.next()) {
        (Some(only), None) => Ok(only),
        (None, _) => Err(ApiError::not_found("Source").hint("Register a workspace first.")),
        _ => Err(ApiError::fields(vec![backstay_api::FieldError::new(
            "source",
            "is missing, and there are several",
        )])),
    }
}

/// An answer of 200 with a JSON body.
pub(super) fn ok<T: serde::Serialize>(body: T) -> Response {
    (StatusCode::OK, Json(body)).into_response()
}
