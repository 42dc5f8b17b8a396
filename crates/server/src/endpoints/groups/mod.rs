//! Workspace groups.

mod create_group;
mod create_group_snapshot;
mod delete_group;
mod get_group;
mod list_groups;
mod restore_group;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::ApiError;
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(create_group::create_workspace_group, list_groups::list_workspace_groups))
        .routes(routes!(get_group::get_workspace_group, delete_group::delete_workspace_group))
        .routes(routes!(create_group_snapshot::create_group_snapshot))
        .routes(routes!(restore_group::restore_group))
}

/// The id of a group in a path.
pub(super) struct GroupId(pub(super) String);

impl axum::extract::FromRequestParts<AppState> for GroupId {
    type Rejection = ApiError;

    async fn from_request_parts(
        parts: &mut http::request::Parts,
        state: &AppState,
    ) -> Result<Self, ApiError> {
        let not_found = || ApiError::not_found("Group");
        let axum::extract::Path(id) =
            axum::extract::Path::<String>::from_request_parts(parts, state).await.map_err(|_| not_found())?;
        let good = matches!(id.len(), 1..=128)
            && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
        if good { Ok(Self(id)) } else { Err(not_found()) }
    }
}
