//! `?wait=`: answering when the work that a request began has ended.

use std::time::Duration;

use backstay_api::snapshot::WaitQuery;
use backstay_model::{Caller, TaskId};
use backstay_service::view::Task;

use crate::state::AppState;

/// Waits for the end of `task` as long as the request asks; `None` when it does not ask.
///
/// The work has begun by then, so a failure to look at it is no failure of the request.
pub(crate) async fn wait_for(
    state: &AppState,
    caller: &Caller,
    task: &TaskId,
    wait: WaitQuery,
) -> Option<Task> {
    let seconds = wait.wait.filter(|seconds| *seconds > 0)?;
    match state.service().wait_task(caller, task, Duration::from_secs(seconds.into())).await {
        Ok(task) => Some(task),
        Err(error) => {
            tracing::warn!(task.id = %task, error.message = %error, "a task could not be waited for");
            None
        }
    }
}
