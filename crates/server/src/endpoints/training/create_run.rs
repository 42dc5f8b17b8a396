//! `POST /api/v1/training/runs`

use axum::response::Response;
use backstay_api::training_run::{NewTrainingRun, RunData, TrainingRun};
use backstay_service::ServiceError;
use backstay_service::view::{NewBuiltinRun, NewTrainingData};

use crate::answer::created;
use crate::error::Result;
use crate::extract::{App, SignedIn, Verbatim};
use crate::problems::{Conflicting, Signed, Storing, WithBody};
use crate::wire;

/// Makes a run of the built-in trainer and saves it at epoch 0. It is the default run of the tenant then, and does not train yet.
#[utoipa::path(
    post,
    path = "/api/v1/training/runs",
    tag = "training",
    request_body = NewTrainingRun,
    responses((status = 201, description = "The run.", body = TrainingRun), Signed, WithBody, Conflicting, Storing)
)]
pub(crate) async fn create_run(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Verbatim(new, _): Verbatim<NewTrainingRun>,
) -> Result<Response> {
    let new = NewBuiltinRun {
        name: new.name,
        data: data(new.data.unwrap_or_default())?,
        params: new.params,
        keep: new.keep.map(wire::training_rules),
        auto: new.auto.map(wire::new_auto_snapshot),
    };
    let run = state.service().create_builtin_run(&caller, new).await?;
    let present = state.service().present_run(&run.id);
    let run = wire::training_run(run, present);
    Ok(created(&format!("/api/v1/training/runs/{}", run.run_id), run))
}

/// What is learned: a generator or samples, not both.
fn data(from: RunData) -> Result<NewTrainingData> {
    match (from.generator, from.train_x, from.train_y) {
        (generator, None, None) if from.val_x.is_none() && from.val_y.is_none() => {
            let generator = generator.unwrap_or_else(|| "spiral".to_owned());
            Ok(NewTrainingData::Generated { generator, params: from.params })
        }
        (None, Some(inputs), Some(targets)) if from.params.is_empty() => {
            let validation = match (from.val_x, from.val_y) {
                (None, None) => None,
                (Some(inputs), Some(targets)) => Some((inputs, targets)),
                _ => return Err(ServiceError::invalid("data", "val_x and val_y go together").into()),
            };
            Ok(NewTrainingData::Given { training: (inputs, targets), validation })
        }
        _ => {
            Err(ServiceError::invalid("data", "give a generator with its params, or train_x and train_y")
                .into())
        }
    }
}
