//! `GET /api/v1/training/lineage`

use axum::Json;
use backstay_api::training_run::TrainingLineage;

use crate::error::Result;
use crate::extract::{App, SignedIn};
use crate::problems::Signed;
use crate::wire;

/// Shows which run was forked from which, as trees.
#[utoipa::path(
    get,
    path = "/api/v1/training/lineage",
    tag = "training",
    responses((status = 200, description = "The runs.", body = TrainingLineage), Signed)
)]
pub(crate) async fn training_lineage(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
) -> Result<Json<TrainingLineage>> {
    Ok(Json(wire::training_lineage(state.service().training_lineage(&caller).await?)))
}
