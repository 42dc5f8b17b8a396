//! `GET /api/v1/snapshots/compare`

use axum::Json;
use backstay_api::training_snapshot::{CompareQuery, TrainingComparison};
use backstay_model::SnapshotId;

use crate::error::Result;
use crate::extract::{App, Query, SignedIn, parse_id};
use crate::problems::{Conflicting, OfOne, Queried, Signed};
use crate::wire;

/// Compares two snapshots of training, tensor by tensor.
#[utoipa::path(
    get,
    path = "/api/v1/snapshots/compare",
    tag = "training",
    params(CompareQuery),
    responses(
        (status = 200, description = "What they differ in.", body = TrainingComparison),
        Signed, OfOne, Queried, Conflicting
    )
)]
pub(crate) async fn compare_training(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Query(query): Query<CompareQuery>,
) -> Result<Json<TrainingComparison>> {
    let (first, second): (SnapshotId, SnapshotId) = (parse_id(&query.a)?, parse_id(&query.b)?);
    Ok(Json(wire::training_comparison(state.service().compare_training(&caller, &first, &second).await?)))
}
