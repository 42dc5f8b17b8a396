//! `POST /api/v1/metrics/layouts`

use axum::Json;
use axum::response::{IntoResponse, Response};
use backstay_api::layout::{Layout, NewLayout};
use http::StatusCode;

use crate::error::Result;
use crate::extract::{App, QueryOrBody, SignedIn};
use crate::problems::{Conflicting, Signed, WithBody};
use crate::wire;

/// Saves a layout of a dashboard; one of the same name is replaced. Parameters stand in the query or in a body; the body wins.
#[utoipa::path(
    post,
    path = "/api/v1/metrics/layouts",
    tag = "training",
    params(NewLayout),
    request_body = Option<NewLayout>,
    responses((status = 201, description = "The layout.", body = Layout), Signed, WithBody, Conflicting)
)]
pub(crate) async fn save_layout(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    QueryOrBody(new): QueryOrBody<NewLayout>,
) -> Result<Response> {
    let layout = state.service().save_layout(&caller, wire::new_layout(new)).await?;
    Ok((StatusCode::CREATED, Json(wire::layout(layout))).into_response())
}
