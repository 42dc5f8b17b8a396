//! `?wait=`: answering when the work that a request began has ended.

use std::time::Duration;

use backstay_api::snapshot::WaitQuery;
use backstay_model::{Caller, TaskId};
use backstay_service::view::Task;

use crate::error::Result;
use crate::state::AppState;

/// Waits for the end of `task` as long as the request asks; `None` when it does not ask.
pub(crate) async fn wait_for(
    state: &AppState,
    caller: &Caller,
    task: &TaskId,
    wait: WaitQuery,
) -> Result<Option<Task>> {
    match wait.wait {
        None | Some(0) => Ok(None),
        Some(seconds) => {
            let timeout = Duration::from_secs(seconds.into());
            Ok(Some(state.service().wait_task(caller, task, timeout).await?))
        }
    }
}
