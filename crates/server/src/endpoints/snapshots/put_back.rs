//! `POST /api/v1/snapshots/{id}/restore`

use std::time::Duration;

use axum::extract::Path as RequestPath;
use axum::response::Response;
use backstay_api::FieldError;
use backstay_api::restore::{OperationAccepted, PutBack, RestoreParameters, Restored};
use backstay_model::{Caller, ErrorKind, Kind, SnapshotId};
use backstay_service::view::{OperationState, RestoreRequest, Snapshot};

use super::restore_training::restore_training;
use super::take_snapshot::{WAIT_S, ok};
use crate::answer::accepted;
use crate::error::{ApiError, Result};
use crate::extract::{App, IdPath, QueryOrBody, SignedIn};
use crate::problems::{Conflicting, OfOne, Signed, Storing, WithBody};
use crate::state::AppState;
use crate::wire;

/// Puts a snapshot back in one step: plan, safety snapshot, stage, check every hash, flip.
///
/// A run of training goes on from the snapshot then; the state that it left stays as the safety snapshot.
///
/// Parameters stand in the query or in a body; the body wins. When the restore has not ended in time, the answer is 202
/// with the operation. If anything fails, everything is as it was.
#[utoipa::path(
    post,
    path = "/api/v1/snapshots/{id}/restore",
    tag = "restores",
    params(IdPath, RestoreParameters),
    request_body = Option<RestoreParameters>,
    responses(
        (status = 200, description = "It was put back.", body = PutBack),
        (status = 202, description = "It is still being put back.", body = OperationAccepted),
        Signed, OfOne, WithBody, Conflicting, Storing
    )
)]
pub(crate) async fn put_back(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    RequestPath(named): RequestPath<String>,
    QueryOrBody(request): QueryOrBody<RestoreParameters>,
) -> Result<Response> {
    let found = find(&state, &caller, &named).await?;
    let id = found.id;
    if found.kind == Kind::Training {
        let done = restore_training(&state, &caller, &id, &request).await?;
        return Ok(ok(PutBack::Training(done)));
    }
    if request.run.is_some() {
        return Err(ApiError::fields(vec![FieldError::new("run", "is for snapshots of training")]));
    }
    let plan = state.service().plan_restore(&caller, &id, RestoreRequest::default()).await?;
    if request.dry_run == Some(true) {
        let plan = wire::restore_plan(plan);
        return ok_restored(Restored {
            status: "planned".to_owned(),
            message: format!("Would be restored from snapshot '{id}'"),
            snapshot_id: id.into(),
            restored_at: None,
            mode: "real".to_owned(),
            safety_snapshot_id: None,
            operation_id: None,
            changed: plan.summary,
            exact: plan.cannot_restore.is_empty(),
            missing: plan.cannot_restore,
        });
    }
    let queued = state.service().queue_restore(&caller, &plan.source, &plan.id).await?;
    let wait = Duration::from_secs(request.wait_s.unwrap_or(WAIT_S).into());
    let task = state.service().wait_task(&caller, &queued.task, wait).await?;
    let operation = state.service().show_operation(&caller, &queued.operation).await?;
    match operation.state {
        OperationState::Done => {
            let done = wire::operation(operation);
            ok_restored(Restored {
                status: "success".to_owned(),
                message: format!("Restored from snapshot '{id}'"),
                snapshot_id: id.into(),
                restored_at: done.finished_at,
                mode: "real".to_owned(),
                safety_snapshot_id: done.snapshot_id,
                operation_id: Some(done.id),
                changed: done.changed_paths.unwrap_or_default(),
                exact: done.not_restored.is_empty(),
                missing: done.not_restored,
            })
        }
        OperationState::Running => {
            let location = format!("/api/v1/operations/{}", queued.operation);
            let body = OperationAccepted {
                operation_id: queued.operation.into(),
                state: wire::operation_state(operation.state),
                task_id: queued.task.into(),
            };
            Ok(accepted(&location, body))
        }
        _ => {
            let reason = operation.error.unwrap_or_else(|| "it was broken off".to_owned());
            Err(ApiError::of_failed_task(&task, format!("Failed to restore snapshot: {reason}")))
        }
    }
}

/// The snapshot called so; the sentence names it when there is none.
async fn find(state: &AppState, caller: &Caller, named: &str) -> Result<Snapshot> {
    let missing = || {
        let shown: String = named.chars().take(128).collect();
        ApiError::new(ErrorKind::NotFound, format!("Snapshot '{shown}' not found"))
    };
    let id = SnapshotId::parse(named).map_err(|_| missing())?;
    match state.service().show_snapshot(caller, &id).await {
        Ok(found) => Ok(found),
        Err(error) if error.kind == ErrorKind::NotFound => Err(missing()),
        Err(error) => Err(error.into()),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "it ends a handler")]
fn ok_restored(restored: Restored) -> Result<Response> {
    Ok(ok(PutBack::Workspace(restored)))
}
