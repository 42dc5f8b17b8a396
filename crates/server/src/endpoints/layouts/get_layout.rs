//! `GET /api/v1/metrics/layouts/{name}`

use axum::Json;
use axum::extract::Path as RequestPath;
use backstay_api::layout::Layout;

use super::NamePath;
use crate::error::Result;
use crate::extract::{App, SignedIn};
use crate::problems::{OfOne, Signed};
use crate::wire;

/// Shows a layout of a dashboard.
#[utoipa::path(
    get,
    path = "/api/v1/metrics/layouts/{name}",
    tag = "training",
    params(NamePath),
    responses((status = 200, description = "The layout.", body = Layout), Signed, OfOne)
)]
pub(crate) async fn get_layout(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    RequestPath(name): RequestPath<String>,
) -> Result<Json<Layout>> {
    Ok(Json(wire::layout(state.service().show_layout(&caller, &name).await?)))
}
