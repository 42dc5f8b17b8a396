//! `POST /api/v1/threads/delta-history`

use axum::response::Response;
use backstay_api::thread::{DeltaHistories, DeltaHistoryRequest};
use http::StatusCode;

use crate::error::Result;
use crate::extract::{Accepted, App, Packed, Project, SignedIn};
use crate::problems::{Conflicting, Signed, WithBody};
use crate::wire;

/// Shows the history of channels whose changes are their writes: the nearest stored value and the writes since then.
#[utoipa::path(
    post,
    path = "/api/v1/threads/delta-history",
    tag = "threads",
    request_body(content((DeltaHistoryRequest = "application/json"), (DeltaHistoryRequest = "application/msgpack"))),
    responses((status = 200, description = "The histories.", body = DeltaHistories), Signed, WithBody, Conflicting)
)]
pub(crate) async fn delta_history(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Project(project): Project,
    Accepted(packing): Accepted,
    Packed(wanted): Packed<DeltaHistoryRequest>,
) -> Result<Response> {
    let (key, latest) = wire::thread_key(wanted.key);
    let id = (!latest).then_some(key.checkpoint_id.as_str());
    let service = state.service();
    let histories = service
        .delta_history(&caller, &project, &key.thread_id, &key.namespace, id, &wanted.channels)
        .await?;
    packing.answer(StatusCode::OK, &wire::delta_histories(histories))
}
