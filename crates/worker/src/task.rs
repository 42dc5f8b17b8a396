//! One task: run it, keep its lease, tell how far it is, stop it when asked to.

use std::sync::Arc;

use backstay_service::view::TaskProgress;
use backstay_service::{Cancel, ClaimedTask, Counters, Heartbeat, Notices, Run, Service, ServiceError};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::options::WorkerOptions;

/// Runs a claimed task to its end and notes how it ended.
pub(crate) async fn run(
    service: &Service,
    options: &WorkerOptions,
    task: &ClaimedTask,
    stop: &CancellationToken,
) {
    tracing::info!(task.id = %task.id(), task.kind = task.kind(), task.attempt = task.attempt(), "a task begins");
    let counters = Arc::new(Counters::new());
    let run = Run {
        progress: Arc::clone(&counters) as _,
        cancel: Cancel::new(),
        wait: options.lock_wait,
        notices: Notices::default(),
    };
    // In a task of its own: a heartbeat waits for the catalog, and meanwhile the work, which may hold it, has to go on.
    let mut work = {
        let (service, task, run) = (service.clone(), task.clone(), run.clone());
        tokio::spawn(async move { service.run_task(&task, &run).await })
    };
    let mut beats = tokio::time::interval(options.heartbeat);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    beats.tick().await;
    let mut stopping = false;
    let mut lost = false;
    let result = loop {
        tokio::select! {
            ended = &mut work => break match ended {
                Ok(result) => result,
                Err(stopped) => Err(ServiceError::internal("The task was broken off by a defect", stopped)),
            },
            () = stop.cancelled(), if !stopping => {
                stopping = true;
                run.cancel.cancel();
            }
            _ = beats.tick() => match service.heartbeat_task(task, &progress_of(&counters)).await {
                Ok(Heartbeat::Continue) => {}
                Ok(Heartbeat::CancelRequested) => run.cancel.cancel(),
                Ok(Heartbeat::Lost) => {
                    lost = true;
                    run.cancel.cancel();
                }
                Err(error) => tracing::warn!(task.id = %task.id(), %error, "a heartbeat failed"),
            },
        }
    };
    if lost {
        tracing::warn!(task.id = %task.id(), "the lease of a task was lost; its result is not noted");
        return;
    }
    let interrupted = stopping && result.as_ref().is_err_and(ServiceError::is_cancelled);
    let noted = if interrupted {
        service.release_task(task).await
    } else {
        // The last word on how far it got.
        let _ = service.heartbeat_task(task, &progress_of(&counters)).await;
        service.finish_task(task, result).await
    };
    match noted {
        Ok(()) => tracing::info!(task.id = %task.id(), task.kind = task.kind(), interrupted, "a task ended"),
        Err(error) => tracing::error!(task.id = %task.id(), %error, "the end of a task could not be noted"),
    }
}

fn progress_of(counters: &Counters) -> TaskProgress {
    let now = counters.snapshot();
    let known = |total: u64, done: u64| (total > 0).then_some(total.max(done));
    TaskProgress {
        bytes_done: now.bytes,
        bytes_total: known(now.expected_bytes, now.bytes),
        items_done: now.files,
        items_total: known(now.expected_files, now.files),
        current: (!now.current.is_empty()).then(|| String::from_utf8_lossy(&now.current).into_owned()),
    }
}
