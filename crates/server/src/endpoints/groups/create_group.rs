//! `POST /api/v1/workspace-groups`

use axum::response::Response;
use backstay_api::FieldError;
use backstay_api::group::{NewWorkspaceGroup, WorkspaceGroup};
use backstay_model::SourceId;
use backstay_service::view::NewGroup;

use crate::answer::created;
use crate::error::{ApiError, Result};
use crate::extract::{App, Json, SignedIn};
use crate::problems::{Conflicting, OfOne, Signed, WithBody};
use crate::wire;

/// Creates a group of workspaces of one host, which are captured and restored together.
#[utoipa::path(
    post,
    path = "/api/v1/workspace-groups",
    tag = "groups",
    responses(
        (status = 201, description = "It is created.", body = WorkspaceGroup),
        Signed, OfOne, WithBody, Conflicting
    )
)]
pub(crate) async fn create_workspace_group(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Json(new): Json<NewWorkspaceGroup>,
) -> Result<Response> {
    let members = new
        .workspace_ids
        .iter()
        .enumerate()
        .map(|(number, id)| {
            SourceId::parse(id)
                .map_err(|error| FieldError::new(format!("workspace_ids[{number}]"), error.to_string()))
        })
        .collect::<Result<_, _>>()
        .map_err(|error| ApiError::fields(vec![error]))?;
    let new = NewGroup { name: new.name, members };
    let group = wire::group(state.service().create_group(&caller, new).await?);
    Ok(created(&format!("/api/v1/workspace-groups/{}", group.id), group))
}
