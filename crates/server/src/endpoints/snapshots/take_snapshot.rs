//! `POST /api/v1/snapshots`

use std::time::Duration;

use axum::Json;
use axum::response::{IntoResponse, Response};
use backstay_api::FieldError;
use backstay_api::snapshot::{SnapshotAccepted, SnapshotRequest, SnapshotTaken};
use backstay_model::{Caller, ErrorKind, Kind, SnapshotState, SourceId};
use backstay_service::view::{NewSnapshot, NewTrainingSnapshot, SourceFilter};
use backstay_service::{PageRequest, ServiceError};
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
    let source = match source_of(&state, &caller, &request).await? {
        Meant::Source(source) => source,
        Meant::Run(run) => return snapshot_run(&state, &caller, run.as_deref(), request).await,
    };
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

/// What a snapshot is taken of.
enum Meant {
    Source(SourceId),
    /// A run; `None` for the default run.
    Run(Option<String>),
}

/// The named source or run; else the only workspace; else, where there is none, the default run.
async fn source_of(state: &AppState, caller: &Caller, request: &SnapshotRequest) -> Result<Meant> {
    if let Some(run) = &request.run {
        return match &request.source {
            None => Ok(Meant::Run(Some(run.clone()))),
            Some(_) => Err(ApiError::fields(vec![FieldError::new("run", "is given beside `source`")])),
        };
    }
    if let Some(named) = &request.source {
        let id: SourceId = parse_id(named)?;
        let is_run = state.service().show_source(caller, &id).await?.kind == Kind::Training;
        return Ok(if is_run { Meant::Run(Some(id.into())) } else { Meant::Source(id) });
    }
    let workspaces = SourceFilter { kind: Some(Kind::Workspace), ..SourceFilter::default() };
    let page = state.service().list_sources(caller, &workspaces, &PageRequest::first(2)).await?;
    let mut found = page.items.into_iter().map(|source| source.id);
    match (found.next(), found.next()) {
        (Some(only), None) => Ok(Meant::Source(only)),
        (None, _) => {
            let runs = state.service().list_training_runs(caller, &PageRequest::first(1)).await?;
            if runs.total == 0 {
                return Err(ApiError::not_found("Source").hint("Register a workspace, or make a run, first."));
            }
            Ok(Meant::Run(None))
        }
        _ => Err(ApiError::fields(vec![FieldError::new("source", "is missing, and there are several")])),
    }
}

/// Saves the present state of a run, copied at an epoch boundary and written beside the training.
async fn snapshot_run(
    state: &AppState,
    caller: &Caller,
    run: Option<&str>,
    request: SnapshotRequest,
) -> Result<Response> {
    let new = NewTrainingSnapshot {
        label: request.name.unwrap_or_default(),
        description: request.description.unwrap_or_default(),
        ..NewTrainingSnapshot::default()
    };
    let saved = state.service().snapshot_live_training(caller, run, new).await.map_err(not_saved)?;
    let id = saved.snapshot.id;
    let snapshot = wire::snapshot(state.service().show_snapshot(caller, &id).await?, true);
    let message = "Snapshot created successfully".to_owned();
    Ok(created(&format!("/api/v1/snapshots/{id}"), SnapshotTaken { snapshot, message }))
}

/// Why a run was not saved, in the words that clients know.
fn not_saved(error: ServiceError) -> ApiError {
    if error.code == Some("no_state") {
        let mut told = ServiceError::conflict("No network to snapshot").code("no_state");
        told.hint.clone_from(&error.hint);
        return told.because(error).into();
    }
    if !matches!(error.kind, ErrorKind::Damaged | ErrorKind::StorageFull | ErrorKind::Unavailable) {
        return error.into();
    }
    let message = format!("Failed to create snapshot: {}", error.message);
    let mut told = ServiceError::new(error.kind, message);
    told.hint.clone_from(&error.hint);
    told.because(error).into()
}

/// An answer of 200 with a JSON body.
pub(super) fn ok<T: serde::Serialize>(body: T) -> Response {
    (StatusCode::OK, Json(body)).into_response()
}
