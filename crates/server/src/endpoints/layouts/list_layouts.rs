//! `GET /api/v1/metrics/layouts`

use axum::Json;
use backstay_api::layout::LayoutList;

use crate::error::Result;
use crate::extract::{App, SignedIn};
use crate::problems::Signed;
use crate::wire;

/// Lists the layouts of dashboards, by name.
#[utoipa::path(
    get,
    path = "/api/v1/metrics/layouts",
    tag = "training",
    responses((status = 200, description = "The layouts.", body = LayoutList), Signed)
)]
pub(crate) async fn list_layouts(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
) -> Result<Json<LayoutList>> {
    let layouts: Vec<_> =
        state.service().list_layouts(&caller).await?.into_iter().map(wire::listed_layout).collect();
    Ok(Json(LayoutList { total: layouts.len() as u64, layouts }))
}
