//! `POST /api/checkpoints/batch`

use axum::Json;
use axum::response::{IntoResponse, Response};
use backstay_api::FieldError;
use backstay_api::checkpoint::{
    CheckpointResult, CheckpointResults, CreatedCheckpoints, NewCheckpoint, NewCheckpoints,
};
use backstay_model::{Caller, ErrorKind};
use backstay_service::{MAX_STATE_BYTES, ServiceError, view};
use http::StatusCode;
use serde_json::value::RawValue;

use super::create_checkpoint::to_view;
use crate::error::{ApiError, Result};
use crate::extract::{App, Project, SignedIn, Verbatim, parse_verbatim};
use crate::problems::{Conflicting, Signed, Storing, WithBody};
use crate::state::AppState;
use crate::wire;

/// Saves several states in one transaction: all or none, or with `atomic: false` each for itself.
#[utoipa::path(
    post,
    path = "/api/checkpoints/batch",
    tag = "checkpoints",
    request_body = NewCheckpoints,
    responses(
        (status = 201, description = "All are saved.", body = CreatedCheckpoints),
        (status = 200, description = "Each was tried for itself.", body = CheckpointResults),
        Signed, WithBody, Conflicting, Storing
    )
)]
pub(crate) async fn create_checkpoints(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Project(project): Project,
    Verbatim(new, bytes): Verbatim<NewCheckpoints>,
) -> Result<Response> {
    save_all(&state, &caller, &project, &new, bytes, to_view).await
}

/// Saves what `read` makes of the items of a body of `bytes` bytes.
pub(super) async fn save_all(
    state: &AppState,
    caller: &Caller,
    project: &str,
    new: &NewCheckpoints,
    bytes: usize,
    read: fn(NewCheckpoint) -> Result<view::NewCheckpoint, ServiceError>,
) -> Result<Response> {
    if !(1..=1000).contains(&new.checkpoints.len()) {
        let error = FieldError::new("checkpoints", "it takes 1 to 1000 items");
        return Err(ApiError::fields(vec![error]));
    }
    if bytes > MAX_STATE_BYTES {
        let message = format!("batch is {bytes} bytes; the limit is {MAX_STATE_BYTES}");
        return Err(ApiError::new(ErrorKind::TooLarge, message));
    }
    let made = state
        .service()
        .create_checkpoints(caller, project, read_items(&new.checkpoints, read), new.atomic)
        .await
        .map_err(located)?;
    if new.atomic {
        let items = made.into_iter().collect::<std::result::Result<Vec<_>, _>>().map_err(located)?;
        let items = items.into_iter().map(wire::checkpoint).collect();
        return Ok((StatusCode::CREATED, Json(CreatedCheckpoints { items })).into_response());
    }
    let results = made.into_iter().map(|made| match made {
        Ok(made) => CheckpointResult { status: 201, checkpoint: Some(wire::checkpoint(made)), error: None },
        Err(error) => {
            let problem = ApiError::from(error).problem("");
            CheckpointResult { status: problem.status, checkpoint: None, error: Some(problem) }
        }
    });
    Ok(Json(CheckpointResults { results: results.collect() }).into_response())
}

/// The items, and why those are none that are none.
fn read_items(
    items: &[Box<RawValue>],
    read: fn(NewCheckpoint) -> Result<view::NewCheckpoint, ServiceError>,
) -> Vec<Result<view::NewCheckpoint, ServiceError>> {
    let mut found = Vec::with_capacity(items.len());
    for item in items {
        found.push(match parse_verbatim::<NewCheckpoint>(item.get().as_bytes()) {
            Ok(item) => read(item),
            Err(error) => Err(ServiceError::invalid(&error.field, error.detail)),
        });
    }
    found
}

fn located(error: ServiceError) -> ApiError {
    let index = error.index;
    let error = ApiError::from(error);
    match index {
        Some(index) => error.in_item("checkpoints", index),
        None => error,
    }
}
