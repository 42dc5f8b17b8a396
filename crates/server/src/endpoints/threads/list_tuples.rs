//! `GET /api/v1/threads/checkpoints`

use axum::response::Response;
use backstay_api::FieldError;
use backstay_api::thread::{TupleList, TuplesQuery};
use backstay_service::view::ThreadFilter;
use http::StatusCode;

use crate::error::{ApiError, Result};
use crate::extract::{Accepted, App, Project, Query, SignedIn};
use crate::problems::{Queried, Signed};
use crate::wire;

/// Lists typed checkpoints with their channels and pending writes, greatest id first.
#[utoipa::path(
    get,
    path = "/api/v1/threads/checkpoints",
    tag = "threads",
    params(TuplesQuery),
    responses((status = 200, description = "A page of checkpoints.", body = TupleList), Signed, Queried)
)]
pub(crate) async fn list_tuples(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Project(project): Project,
    Accepted(packing): Accepted,
    Query(query): Query<TuplesQuery>,
) -> Result<Response> {
    let after = match query.cursor.as_deref().map(wire::thread_place) {
        Some(None) => {
            return Err(ApiError::fields(vec![FieldError::new(
                "cursor",
                "it is not one that a list gave out",
            )]));
        }
        place => place.flatten(),
    };
    let filter = ThreadFilter {
        thread_id: query.thread_id,
        namespace: query.checkpoint_ns,
        metadata: query.filter,
        before: query.before,
        after,
        limit: query.limit.unwrap_or(100),
    };
    let page = state.service().list_tuples(&caller, &project, &filter).await?;
    let next = page.next.as_ref().map(wire::thread_cursor);
    let checkpoints = page.items.into_iter().map(wire::thread_tuple).collect();
    packing.answer(StatusCode::OK, &TupleList { checkpoints, next })
}
