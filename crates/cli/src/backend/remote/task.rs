//! Follows the work that a server does.

use backstay_api::task::{Task, TaskState};
use backstay_client::Client;
use backstay_model::ErrorKind;
use backstay_service::Notice;
use serde::Deserialize;
use serde::de::DeserializeOwned;

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
        TaskState::Done => {
            take_notices(cx, &task);
            Ok(task)
        }
        TaskState::Cancelled => Err(Failure::interrupted()),
        _ => Err(failure(&task)),
    }
}

/// Tells what a person should know of a task that is done, as it is told without a server.
pub(super) fn take_notices(cx: &Context, task: &Task) {
    let warnings = task.result.as_ref().and_then(|result| result.get("warnings")?.as_array());
    // Other reports have warnings of another form.
    for notice in warnings.into_iter().flatten().filter_map(|notice| Notice::deserialize(notice).ok()) {
        cx.notices.add(notice);
    }
}

/// Why the task failed, with the exit code that the same failure has without a server.
pub(super) fn failure(task: &Task) -> Failure {
    let known = task.result.as_ref();
    let text = |name: &str| known.and_then(|known| known.get(name)?.as_str()).map(str::to_owned);
    let word = text("code");
    let kind = ErrorKind::ALL.into_iter().find(|kind| Some(kind.traits().code) == word.as_deref());
    // A word that is narrower than that of a kind, such as `stale_plan`, names a conflict.
    let kind = kind.unwrap_or(if word.is_some() { ErrorKind::Conflict } else { ErrorKind::Internal });
    let reason = task.error.clone().unwrap_or_else(|| format!("task {} failed", task.id));
    let mut failure = Failure::new(kind, reason)
        .code(word.unwrap_or_else(|| "task_failed".to_owned()))
        .maybe_hint(text("hint"))
        .detail("task_id", task.id.as_str());
    if let Some(owner) = known.and_then(|known| known.get("owner")).filter(|owner| owner.is_object()) {
        failure = failure.detail("owner", owner.clone()).hint("`--wait SECONDS` waits for it");
    }
    failure
}

/// The report that a task ended with.
pub(super) fn report<T: DeserializeOwned>(task: Task) -> Result<T, Failure> {
    serde_json::from_value(task.result.unwrap_or_default()).map_err(|error| {
        Failure::new(ErrorKind::Internal, "the server's report does not have the expected form")
            .because(error.to_string())
            .hint("client and server may be of different versions; update the older one")
    })
}
