//! `GET /api/v1/training/runs`

use axum::Json;
use backstay_api::training_run::{TrainingRunPage, TrainingRunQuery};

use crate::error::Result;
use crate::extract::{App, Query, SignedIn};
use crate::paging::page_request;
use crate::problems::{Queried, Signed};
use crate::wire;

/// Lists runs, oldest first.
#[utoipa::path(
    get,
    path = "/api/v1/training/runs",
    tag = "training",
    params(TrainingRunQuery),
    responses((status = 200, description = "A page of runs.", body = TrainingRunPage), Signed, Queried)
)]
pub(crate) async fn list_runs(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Query(query): Query<TrainingRunQuery>,
) -> Result<Json<TrainingRunPage>> {
    let page = page_request(query.limit, query.offset, query.cursor);
    let page = state.service().list_training_runs(&caller, &page).await?;
    let page = page.map(|run| {
        let present = state.service().present_run(&run.id);
        wire::training_run(run, present)
    });
    Ok(Json(TrainingRunPage { runs: page.items, total: page.total, next: page.next, message: None }))
}
