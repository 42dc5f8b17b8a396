//! Layouts of dashboards.

mod delete_layout;
mod get_layout;
mod list_layouts;
mod save_layout;

use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_layouts::list_layouts, save_layout::save_layout))
        .routes(routes!(get_layout::get_layout, delete_layout::delete_layout))
}

/// The documentation of a path with the name of a layout.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "it documents the path; the handlers read the text")]
struct NamePath {
    /// The name.
    #[param(min_length = 1, max_length = 200)]
    name: String,
}
