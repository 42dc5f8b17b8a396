//! What is done at the start, and what from time to time: sending webhooks, applying deadlines, tidying up, queueing the work
//! of the day.

use std::sync::Arc;
use std::time::Duration;

use backstay_model::Caller;
use backstay_service::view::ReconcileReport;
use backstay_service::{Result, Run, Service};
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::options::WorkerOptions;

/// Starts every part, each in a task of its own so that a slow one does not hold up the others.
pub(crate) fn spawn(
    parts: &mut JoinSet<()>,
    service: &Service,
    options: &Arc<WorkerOptions>,
    stop: &CancellationToken,
) {
    let (webhooks, tidy, daily) = (service.clone(), service.clone(), service.clone());
    let deadlines = service.clone();
    parts.spawn(reconcile(service.clone(), options.tidy_every, stop.clone()));
    parts.spawn(repeat("send webhooks", options.webhooks_every, stop.clone(), move || {
        send_webhooks(webhooks.clone())
    }));
    parts.spawn(repeat("apply deadlines", options.deadlines_every, stop.clone(), move || {
        let service = deadlines.clone();
        async move { service.pass_deadlines().await }
    }));
    parts.spawn(repeat("tidy up", options.tidy_every, stop.clone(), move || {
        let service = tidy.clone();
        async move { service.tidy().await }
    }));
    parts.spawn(repeat("queue the work of the day", options.daily_work_every, stop.clone(), move || {
        let service = daily.clone();
        async move { service.queue_daily_work().await.map(|_| ()) }
    }));
}

/// Brings the catalog and the repository together, once; tries again after `pause` when that fails.
async fn reconcile(service: Service, pause: Duration, stop: CancellationToken) {
    let run = Run::default();
    let caller = Caller::system("recovery");
    loop {
        let done = tokio::select! {
            () = stop.cancelled() => return,
            done = service.reconcile(&caller, &run) => done,
        };
        match done {
            Ok(report) if report == ReconcileReport::default() => return,
            Ok(report) => {
                let (adopted, missing, unreadable) =
                    (report.adopted.len(), report.missing.len(), report.unreadable.len());
                tracing::warn!(
                    reconcile.adopted = adopted,
                    reconcile.missing = missing,
                    reconcile.unreadable = unreadable,
                    reconcile.closed = report.closed.len(),
                    reconcile.deleted = report.deleted.len(),
                    reconcile.removed_contents = report.removed_contents,
                    "catalog and repository had come apart and were brought together"
                );
                return;
            }
            Err(error) => tracing::warn!(%error, "could not bring catalog and repository together"),
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Does `work` at once and then every `period` until `stop`. A failure is logged and the next time is waited for.
async fn repeat<F, W>(what: &'static str, period: Duration, stop: CancellationToken, work: F)
where
    F: Fn() -> W + Send,
    W: Future<Output = Result<()>> + Send,
{
    let mut ticks = tokio::time::interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let done = tokio::select! {
            () = stop.cancelled() => return,
            done = work() => done,
        };
        if let Err(error) = done {
            tracing::warn!(%error, "could not {what}");
        }
    }
}

/// Sends until nothing is due.
async fn send_webhooks(service: Service) -> Result<()> {
    while service.deliver_webhooks().await? > 0 {}
    Ok(())
}
