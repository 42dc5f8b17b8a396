//! `GET /api/v1/tasks/{id}/progress`

use std::time::Duration;

use async_stream::stream;
use axum::response::Response;
use axum::response::sse::Event;
use backstay_api::task::Task;
use backstay_model::TaskId;

use crate::binary::ServerSentEvent;
use crate::error::Result;
use crate::extract::{App, IdPath, PathId, SignedIn};
use crate::problems::{OfOne, Signed};
use crate::stream::{live, stream_place};
use crate::wire;

/// How often a running task is looked at.
const INTERVAL: Duration = Duration::from_millis(250);

/// Follows a task as server-sent events: each is the task as it is then, sent when it changes. The stream ends with the
/// task.
#[utoipa::path(
    get,
    path = "/api/v1/tasks/{id}/progress",
    tag = "tasks",
    params(IdPath),
    responses(
        (status = 200, description = "Each `data` is the task (`Task`) as it is then.", content_type = "text/event-stream", body = ServerSentEvent),
        Signed, OfOne
    )
)]
pub(crate) async fn task_progress(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    PathId(id): PathId<TaskId>,
) -> Result<Response> {
    let place = stream_place(&state)?;
    let mut task = wire::task(state.service().show_task(&caller, &id).await?);
    let service = state.service().clone();
    let events = stream! {
        yield Ok(event_of(&task));
        while !task.state.is_final() {
            let Ok(next) = service.wait_task(&caller, &id, INTERVAL).await else { break };
            let next = wire::task(next);
            if next != task {
                task = next;
                yield Ok(event_of(&task));
            }
        }
    };
    Ok(live(&state, place, events))
}

fn event_of(task: &Task) -> Event {
    Event::default().event("task").data(serde_json::to_string(task).unwrap_or_default())
}
