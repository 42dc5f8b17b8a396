//! `POST /api/v1/threads/batch`

use axum::response::Response;
use backstay_api::FieldError;
use backstay_api::thread::{PutWrites, ThreadBatch, ThreadOperation, ThreadResult, ThreadResults};
use backstay_model::ErrorKind;
use backstay_service::ServiceError;
use backstay_service::view::{self, ThreadDone};
use http::StatusCode;
use serde_json::to_value;

use super::put_thread_checkpoint::put_checkpoint;
use crate::error::{ApiError, Result};
use crate::extract::{Accepted, App, Packed, Project, SignedIn};
use crate::problems::{Conflicting, Signed, Storing, WithBody};
use crate::wire;

/// Does several operations in their order, with one commit. After one that fails the rest of its thread is skipped.
#[utoipa::path(
    post,
    path = "/api/v1/threads/batch",
    tag = "threads",
    request_body(content((ThreadBatch = "application/json"), (ThreadBatch = "application/msgpack"))),
    responses((status = 200, description = "What became of each.", body = ThreadResults), Signed, WithBody, Conflicting, Storing)
)]
pub(crate) async fn put_threads(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Project(project): Project,
    Accepted(packing): Accepted,
    Packed(batch): Packed<ThreadBatch>,
) -> Result<Response> {
    if !(1..=1000).contains(&batch.operations.len()) {
        return Err(ApiError::fields(vec![FieldError::new("operations", "it takes 1 to 1000 items")]));
    }
    let operations = batch.operations.into_iter().map(|operation| match operation {
        ThreadOperation::Put(new) => view::ThreadOperation::Put(wire::new_thread_checkpoint(new)),
        ThreadOperation::PutWrites(new) => view::ThreadOperation::PutWrites(wire::new_thread_writes(new)),
    });
    let done = state.service().put_threads(&caller, &project, operations.collect()).await?;
    let results = done.into_iter().map(result).collect::<Result<_>>()?;
    packing.answer(StatusCode::OK, &ThreadResults { results })
}

fn result(done: Option<std::result::Result<ThreadDone, ServiceError>>) -> Result<ThreadResult> {
    let failed = |error: serde_json::Error| ApiError::new(ErrorKind::Internal, error.to_string());
    let nothing = ThreadResult { status: 424, result: None, error: None, skipped: false };
    Ok(match done {
        None => ThreadResult { skipped: true, ..nothing },
        Some(Ok(ThreadDone::Written { stored })) => {
            let result = to_value(PutWrites { stored }).map_err(failed)?;
            ThreadResult { status: 200, result: Some(result), ..nothing }
        }
        Some(Ok(done)) => {
            let result = to_value(put_checkpoint(done)?).map_err(failed)?;
            ThreadResult { status: 201, result: Some(result), ..nothing }
        }
        Some(Err(error)) => {
            let problem = ApiError::from(error).problem("");
            ThreadResult { status: problem.status, error: Some(problem), ..nothing }
        }
    })
}
