//! `PUT /api/v1/jobs/executor`

use backstay_api::executor::NameExecutor;
use http::StatusCode;

use crate::error::Result;
use crate::extract::{App, Json, Project, SignedIn};
use crate::problems::{OfOne, Signed, WithBody};

/// Lets a job name the executor that is asked to let it go on; without a name the one that fits best is asked.
#[utoipa::path(
    put,
    path = "/api/v1/jobs/executor",
    tag = "executors",
    request_body = NameExecutor,
    responses((status = 204, description = "It does."), Signed, OfOne, WithBody)
)]
pub(crate) async fn name_executor(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Project(project): Project,
    Json(named): Json<NameExecutor>,
) -> Result<StatusCode> {
    let name = named.executor.as_deref();
    state.service().name_executor(&caller, &project, &named.job_id, name).await?;
    Ok(StatusCode::NO_CONTENT)
}
