//! `GET /api/v1/workspaces/{id}/commands`

use axum::Json;
use backstay_api::declared::{CommandList, CommandsQuery};
use backstay_model::SourceId;
use backstay_service::Run;

use crate::error::Result;
use crate::extract::{App, IdPath, PathId, Query, SignedIn};
use crate::problems::{Conflicting, OfOne, Queried, Signed};
use crate::wire;

/// Lists the commands and sequences that a workspace, or one of its dependencies, declares.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{id}/commands",
    tag = "dependencies",
    params(IdPath, CommandsQuery),
    responses(
        (status = 200, description = "The commands and sequences.", body = CommandList),
        Signed, OfOne, Queried, Conflicting
    )
)]
pub(crate) async fn list_commands(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    PathId(id): PathId<SourceId>,
    Query(query): Query<CommandsQuery>,
) -> Result<Json<CommandList>> {
    let dependency = query.dependency.as_deref();
    let list = state.service().list_commands(&caller, &id, dependency, &Run::default()).await?;
    Ok(Json(wire::command_list(list)))
}
