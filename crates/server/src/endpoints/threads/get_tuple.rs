//! `GET /api/v1/threads/tuple`

use axum::response::{IntoResponse, Response};
use backstay_api::thread::{ThreadTuple, TupleQuery};
use backstay_service::view::ThreadAnswer;
use http::{HeaderMap, HeaderValue, StatusCode, header};

use crate::conditions::is_known;
use crate::error::{ApiError, Result};
use crate::extract::{Accepted, App, Project, Query, SignedIn};
use crate::problems::{OfOne, Queried, Signed};
use crate::wire;

/// Shows a typed checkpoint with its channels and pending writes: the one with this id, or the latest.
#[utoipa::path(
    get,
    path = "/api/v1/threads/tuple",
    tag = "threads",
    params(TupleQuery),
    responses((status = 200, description = "The checkpoint.", body = ThreadTuple), Signed, OfOne, Queried)
)]
pub(crate) async fn get_tuple(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Project(project): Project,
    Accepted(packing): Accepted,
    Query(query): Query<TupleQuery>,
    headers: HeaderMap,
) -> Result<Response> {
    let namespace = query.checkpoint_ns.as_deref().unwrap_or_default();
    let id = query.checkpoint_id.as_deref();
    let known = |tag: &str| is_known(&headers, &format!("\"{tag}\""));
    let found = state.service().get_tuple(&caller, &project, &query.thread_id, namespace, id, known).await?;
    let (tag, mut response) = match found.ok_or_else(|| ApiError::not_found("Checkpoint"))? {
        ThreadAnswer::Unchanged { tag } => (tag, StatusCode::NOT_MODIFIED.into_response()),
        ThreadAnswer::Found(found) => {
            (found.tag.clone(), packing.answer(StatusCode::OK, &wire::thread_tuple(*found))?)
        }
    };
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{tag}\"")) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    Ok(response)
}
