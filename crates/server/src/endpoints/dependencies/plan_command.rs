//! `POST /api/v1/workspaces/{id}/command-plans`

use backstay_api::declared::{CommandPlan, NewCommandRun};
use backstay_model::SourceId;
use backstay_service::Run;

use crate::error::Result;
use crate::extract::{App, IdPath, Json, PathId, SignedIn};
use crate::problems::{Conflicting, OfOne, Signed, WithBody};
use crate::wire;

/// Shows what a command or sequence would run with these arguments. Nothing is run and nothing is kept.
#[utoipa::path(
    post,
    path = "/api/v1/workspaces/{id}/command-plans",
    tag = "dependencies",
    params(IdPath),
    responses(
        (status = 200, description = "What would run.", body = CommandPlan),
        Signed, OfOne, WithBody, Conflicting
    )
)]
pub(crate) async fn plan_command(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    PathId(id): PathId<SourceId>,
    Json(new): Json<NewCommandRun>,
) -> Result<axum::Json<CommandPlan>> {
    let new = wire::command_run(new);
    let plan = state.service().plan_command(&caller, &id, &new, &Run::default()).await?;
    Ok(axum::Json(wire::command_plan(plan)))
}
