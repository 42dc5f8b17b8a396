//! `DELETE /api/v1/metrics/layouts/{name}`

use axum::Json;
use axum::extract::Path as RequestPath;
use backstay_api::layout::LayoutDeleted;

use super::NamePath;
use crate::error::Result;
use crate::extract::{App, SignedIn};
use crate::problems::{OfOne, Signed};

/// Deletes a layout of a dashboard.
#[utoipa::path(
    delete,
    path = "/api/v1/metrics/layouts/{name}",
    tag = "training",
    params(NamePath),
    responses((status = 200, description = "It is deleted.", body = LayoutDeleted), Signed, OfOne)
)]
pub(crate) async fn delete_layout(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    RequestPath(name): RequestPath<String>,
) -> Result<Json<LayoutDeleted>> {
    state.service().delete_layout(&caller, &name).await?;
    let message = format!("Layout '{name}' deleted");
    Ok(Json(LayoutDeleted { name, message }))
}
