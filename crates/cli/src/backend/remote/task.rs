//! Follows the work that a server does.

use backstay_api::task::{Task, TaskState};
use backstay_client::Client;
use backstay_model::ErrorKind;

use crate::context::Context;
use crate::failure::Failure;
use crate::interrupt;
use crate::progress::Shown;

/// Follows the task to its end, showing its progress. Ctrl-C asks the server to cancel it.
pub(crate) async fn finish(
    client: &Client,
    cx: &Context,
    verb: &'static str,
    id: &str,
) -> Result<Task, Failure> {
    let shown = Shown::begin(&cx.globals, &cx.output, verb);
    let receiver = shown.receiver();
    let (mut files, mut bytes) = (0, 0);
    let following = client.wait_task(id, |task| {
        if let Some(progress) = &task.progress {
            receiver.expect(progress.items_total.unwrap_or(0), progress.bytes_total.unwrap_or(0));
            if let Some(current) = &progress.current {
                receiver.current(current.as_bytes());
            }
            receiver.advance(
                progress.items_done.saturating_sub(files),
                progress.bytes_done.saturating_sub(bytes),
            );
            (files, bytes) = (files.max(progress.items_done), bytes.max(progress.bytes_done));
        }
    });
    let task = tokio::select! {
        task = following => task?,
        () = interrupt::requested(&cx.cancel) => {
            client.cancel_task(id).await?;
            client.wait_task(id, |_| ()).await?
        }
    };
    match task.state {
        TaskState::Done => Ok(task),
        TaskState::Cancelled => Err(Failure::interrupted()),
        _ => {
            let reason = task.error.unwrap_or_else(|| format!("task {id} failed"));
            Err(Failure::new(ErrorKind::Internal, reason).code("task_failed").detail("task_id", id))
        }
    }
}
