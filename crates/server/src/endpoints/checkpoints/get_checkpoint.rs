//! `GET /api/checkpoints/{id}`

use axum::Json;
use axum::response::{IntoResponse, Response};
use backstay_api::checkpoint::Checkpoint;
use http::{HeaderMap, HeaderValue, StatusCode, header};

use crate::conditions::is_known;
use crate::error::Result;
use crate::extract::{App, CheckpointPath, IdPath, SignedIn};
use crate::problems::{OfOne, Signed};
use crate::wire;

/// Shows a checkpoint with its state, whose hash was checked.
#[utoipa::path(
    get,
    path = "/api/checkpoints/{id}",
    tag = "checkpoints",
    params(IdPath),
    responses((status = 200, description = "The checkpoint.", body = Checkpoint), Signed, OfOne)
)]
pub(crate) async fn get_checkpoint(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    CheckpointPath(id): CheckpointPath,
    headers: HeaderMap,
) -> Result<Response> {
    let found = state.service().get_checkpoint(&caller, &id).await?;
    let tag = format!("\"{}-{}\"", found.checkpoint.sequence, found.checkpoint.revision);
    let mut response = if is_known(&headers, &tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        Json(wire::checkpoint_state(found)).into_response()
    };
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    Ok(response)
}
