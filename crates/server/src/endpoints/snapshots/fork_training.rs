//! `POST /api/v1/snapshots/{id}/fork`

use axum::response::Response;
use backstay_api::training_run::{NewFork, TrainingRun};
use backstay_model::SnapshotId;
use backstay_service::view::NewTrainingRun;

use crate::answer::created;
use crate::error::Result;
use crate::extract::{App, IdPath, Json, PathId, SignedIn};
use crate::problems::{Conflicting, OfOne, Signed, WithBody};
use crate::wire;

/// Makes a run that goes on from a snapshot of training. Nothing is copied, and the snapshot is not removed as long as the fork is
/// there.
#[utoipa::path(
    post,
    path = "/api/v1/snapshots/{id}/fork",
    tag = "training",
    params(IdPath),
    responses(
        (status = 201, description = "The run.", body = TrainingRun),
        Signed, OfOne, WithBody, Conflicting
    )
)]
pub(crate) async fn fork_training(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    PathId(id): PathId<SnapshotId>,
    Json(new): Json<NewFork>,
) -> Result<Response> {
    let mut params = new.params;
    params.extend(new.seed.map(|seed| ("seed".to_owned(), seed.into())));
    let new = NewTrainingRun { name: new.name, params, ..NewTrainingRun::default() };
    let run = wire::training_run(state.service().fork_training(&caller, &id, new).await?, None);
    Ok(created(&format!("/api/v1/training/runs/{}", run.run_id), run))
}
