//! `GET /api/v1/postgres/status`

use axum::Json;
use backstay_api::probe::ProbedStatus;

use crate::error::Result;
use crate::extract::{App, SignedIn};
use crate::problems::Signed;
use crate::wire;

/// Tells whether the PostgreSQL server of the catalog answers. `DISABLED` when there is none.
#[utoipa::path(
    get,
    path = "/api/v1/postgres/status",
    tag = "operation",
    responses((status = 200, description = "Whether it answers, and what it is.", body = ProbedStatus), Signed)
)]
pub(crate) async fn postgres_status(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
) -> Result<Json<ProbedStatus>> {
    Ok(Json(wire::probed_status(state.service().probe_postgres(&caller).await?)))
}
