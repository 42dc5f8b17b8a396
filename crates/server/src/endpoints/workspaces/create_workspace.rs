//! `POST /api/v1/workspaces`

use axum::response::Response;
use backstay_api::workspace::{NewWorkspace, Workspace};
use backstay_service::view::NewSource;

use crate::answer::created;
use crate::error::Result;
use crate::extract::{App, Json, SignedIn};
use crate::problems::{Conflicting, Signed, WithBody};
use crate::wire;

/// Registers a directory on the server's host as a workspace.
#[utoipa::path(
    post,
    path = "/api/v1/workspaces",
    tag = "workspaces",
    responses((status = 201, description = "It is registered.", body = Workspace), Signed, WithBody, Conflicting)
)]
pub(crate) async fn create_workspace(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Json(new): Json<NewWorkspace>,
) -> Result<Response> {
    let new = NewSource { name: new.name, root: new.root.into(), retention: None };
    let workspace = wire::workspace(state.service().register_source(&caller, new).await?);
    Ok(created(&format!("/api/v1/workspaces/{}", workspace.id), workspace))
}
