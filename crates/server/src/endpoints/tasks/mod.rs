//! Tasks.

mod cancel_task;
mod get_task;
mod list_tasks;
mod task_progress;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_tasks::list_tasks))
        .routes(routes!(get_task::get_task))
        .routes(routes!(cancel_task::cancel_task))
        .routes(routes!(task_progress::task_progress))
}
