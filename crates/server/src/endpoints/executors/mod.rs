//! Executors of jobs, and resumes.

mod confirm_resume;
mod create_executor;
mod delete_executor;
mod get_executor;
mod get_resume;
mod list_executors;
mod name_executor;
mod poll_executor;

use axum::extract::{FromRequestParts, Path};
use http::request::Parts;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::{ApiError, Result};
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_executors::list_executors, create_executor::create_executor))
        .routes(routes!(get_executor::get_executor, delete_executor::delete_executor))
        .routes(routes!(poll_executor::poll_executor))
        .routes(routes!(name_executor::name_executor))
        .routes(routes!(get_resume::get_resume))
        .routes(routes!(confirm_resume::confirm_resume))
}

/// The id of an executor or a resume in a path, as it was sent.
struct TextId(String);

impl FromRequestParts<AppState> for TextId {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let what = if parts.uri.path().starts_with("/api/v1/resumes/") { "Resume" } else { "Executor" };
        let text = Path::<String>::from_request_parts(parts, state).await;
        text.map(|Path(text)| Self(text)).map_err(|_| ApiError::not_found(what))
    }
}
