//! Tasks.

use backstay_api::task::{Task, TaskProgress, TaskState};
use backstay_service::view;

/// A task.
pub fn task(from: view::Task) -> Task {
    Task {
        id: from.id.into(),
        kind: from.kind,
        state: task_state(from.state),
        subject: from.subject,
        created_at: from.created_at,
        started_at: from.started_at,
        finished_at: from.finished_at,
        attempts: from.attempts,
        progress: from.progress.map(|progress| TaskProgress {
            bytes_done: progress.bytes_done,
            bytes_total: progress.bytes_total,
            items_done: progress.items_done,
            items_total: progress.items_total,
            current: progress.current,
        }),
        result: from.result,
        error: from.error,
    }
}

/// The state of a task.
pub fn task_state(from: view::TaskState) -> TaskState {
    match from {
        view::TaskState::Queued => TaskState::Queued,
        view::TaskState::Running => TaskState::Running,
        view::TaskState::Done => TaskState::Done,
        view::TaskState::Failed => TaskState::Failed,
        view::TaskState::Cancelled => TaskState::Cancelled,
    }
}
