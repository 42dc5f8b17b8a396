//! A restore of a run of training, behind `POST /api/v1/snapshots/{id}/restore`.

use backstay_api::restore::RestoreParameters;
use backstay_api::training_snapshot::RestoredTraining;
use backstay_model::{Caller, ErrorKind, SnapshotId};
use backstay_service::ServiceError;

use crate::error::{ApiError, Result};
use crate::state::AppState;
use crate::wire;

/// Takes the run back.
pub(super) async fn restore_training(
    state: &AppState,
    caller: &Caller,
    id: &SnapshotId,
    request: &RestoreParameters,
) -> Result<RestoredTraining> {
    let run = match &request.run {
        Some(named) => Some(state.service().resolve_training_run(caller, named).await?.id),
        None => None,
    };
    let dry_run = request.dry_run == Some(true);
    let restored =
        state.service().restore_live_training(caller, id, run.as_ref(), dry_run).await.map_err(failed)?;
    Ok(wire::restored_training(restored))
}

/// What the server could not do says so; what the client asked wrongly is told as it is.
fn failed(error: ServiceError) -> ApiError {
    if !matches!(error.kind, ErrorKind::Damaged | ErrorKind::StorageFull | ErrorKind::Unavailable) {
        return error.into();
    }
    let message = format!("Failed to restore snapshot: {}", error.message);
    let mut told = ServiceError::new(error.kind, message);
    told.hint.clone_from(&error.hint);
    told.because(error).into()
}
