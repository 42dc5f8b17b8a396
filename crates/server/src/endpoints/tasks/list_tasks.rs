//! `GET /api/v1/tasks`

use axum::Json;
use backstay_api::task::{TaskPage, TaskQuery, TaskState};
use backstay_service::view;

use crate::error::Result;
use crate::extract::{App, Query, SignedIn};
use crate::paging::page_request;
use crate::problems::{Queried, Signed};
use crate::wire;

/// Lists tasks, newest first.
#[utoipa::path(
    get,
    path = "/api/v1/tasks",
    tag = "tasks",
    params(TaskQuery),
    responses((status = 200, description = "A page of tasks.", body = TaskPage), Signed, Queried)
)]
pub(crate) async fn list_tasks(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Query(query): Query<TaskQuery>,
) -> Result<Json<TaskPage>> {
    let wanted = query.state.map(|state| match state {
        TaskState::Queued => view::TaskState::Queued,
        TaskState::Running => view::TaskState::Running,
        TaskState::Done => view::TaskState::Done,
        TaskState::Failed => view::TaskState::Failed,
        TaskState::Cancelled => view::TaskState::Cancelled,
    });
    let filter = view::TaskFilter { state: wanted, kind: query.kind };
    let page = page_request(query.limit, query.offset, query.cursor);
    let page = state.service().list_tasks(&caller, &filter, &page).await?.map(wire::task);
    Ok(Json(TaskPage { tasks: page.items, total: page.total, next: page.next, message: None }))
}
