//! `POST /api/v1/operations/{id}/undo`

use axum::response::Response;
use backstay_api::operation::UndoRequest;
use backstay_api::restore::OperationAccepted;
use backstay_api::snapshot::WaitQuery;
use backstay_model::OperationId;

use super::restore_snapshot::accepted_operation;
use crate::error::Result;
use crate::extract::{App, IdPath, JsonOrDefault, PathId, Query, SignedIn};
use crate::problems::{Conflicting, OfOne, Signed, Storing, WithBody};

/// Undoes an operation, as a new operation with its own safety snapshot: undoing an undo is redo. A path edited since
/// is a conflict (409) unless `force`.
#[utoipa::path(
    post,
    path = "/api/v1/operations/{id}/undo",
    tag = "restores",
    params(IdPath, WaitQuery),
    request_body = Option<UndoRequest>,
    responses(
        (status = 202, description = "The undo is under way.", body = OperationAccepted),
        Signed, OfOne, WithBody, Conflicting, Storing
    )
)]
pub(crate) async fn undo_operation(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    PathId(id): PathId<OperationId>,
    Query(wait): Query<WaitQuery>,
    JsonOrDefault(request): JsonOrDefault<UndoRequest>,
) -> Result<Response> {
    let queued =
        state.service().waiting_for_locks(wait.lock_wait).queue_undo(&caller, &id, request.force).await?;
    accepted_operation(&state, &caller, queued, wait).await
}
