//! Ids in a path.

use std::str::FromStr;

use axum::extract::{FromRequestParts, Path};
use backstay_model::{
    HoldId, OperationId, SnapshotId, SourceId, TaskId, TenantId, TokenId, UserId, WebhookId,
};
use http::request::Parts;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::error::ApiError;
use crate::state::AppState;

/// The documentation of a path with one id.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "it documents the path; `PathId` reads it")]
pub(crate) struct IdPath {
    /// The id.
    #[param(min_length = 1, max_length = 128, pattern = "^[A-Za-z0-9._-]+$")]
    id: String,
}

/// The only id of a path. A text that cannot be an id names nothing, so it is not found.
pub(crate) struct PathId<T>(pub(crate) T);

/// What people call the thing that an id names.
pub(crate) trait Named {
    /// The word at the beginning of `… not found`.
    const THING: &'static str;
}

macro_rules! named {
    ($($id:ty = $thing:literal),+ $(,)?) => {
        $(impl Named for $id { const THING: &'static str = $thing; })+
    };
}
named! {
    SnapshotId = "Snapshot", SourceId = "Workspace", TaskId = "Task", OperationId = "Operation", HoldId = "Hold",
    UserId = "User", TokenId = "Token", TenantId = "Tenant", WebhookId = "Webhook",
}

impl<T: FromStr + Named> FromRequestParts<AppState> for PathId<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let Path(text) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|_| ApiError::not_found(T::THING))?;
        parse_id(&text).map(PathId)
    }
}

/// The only id of a path to a checkpoint, as it was sent.
pub(crate) struct CheckpointPath(pub(crate) String);

impl FromRequestParts<AppState> for CheckpointPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let text = Path::<String>::from_request_parts(parts, state).await;
        text.map(|Path(text)| Self(text)).map_err(|_| ApiError::not_found("Checkpoint"))
    }
}

/// Reads an id of a path that has several.
pub(crate) fn parse_id<T: FromStr + Named>(text: &str) -> Result<T, ApiError> {
    text.parse().map_err(|_| ApiError::not_found(T::THING))
}
