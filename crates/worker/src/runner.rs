//! Claiming tasks and running them, several at once.

use std::sync::Arc;
use std::time::Duration;

use backstay_service::Service;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::options::WorkerOptions;
use crate::{scheduler, task};

/// The longest pause after failures of the catalog.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Runs tasks until `stop` is cancelled, then stops the running ones and gives back those that can be repeated.
pub async fn run(service: Service, options: WorkerOptions, stop: CancellationToken) {
    let options = Arc::new(options);
    let mut parts = JoinSet::new();
    if options.schedules {
        scheduler::spawn(&mut parts, &service, &options, &stop);
    }
    let places = Arc::new(Semaphore::new(options.concurrency.max(1)));
    let mut tasks = JoinSet::new();
    let mut failures = 0;
    loop {
        while tasks.try_join_next().is_some() {}
        let place = tokio::select! {
            () = stop.cancelled() => break,
            place = Arc::clone(&places).acquire_owned() => place,
        };
        let Ok(place) = place else { break };
        let pause = match service.claim_task(&options.name).await {
            Ok(Some(claimed)) => {
                failures = 0;
                let (service, options, stop) = (service.clone(), Arc::clone(&options), stop.clone());
                tasks.spawn(async move {
                    Box::pin(task::run(&service, &options, &claimed, &stop)).await;
                    drop(place);
                });
                continue;
            }
            Ok(None) => {
                failures = 0;
                options.poll
            }
            Err(error) => {
                failures += 1;
                tracing::warn!(%error, "tasks cannot be claimed");
                (options.poll * 2_u32.pow(failures.min(8))).min(LONGEST_PAUSE)
            }
        };
        drop(place);
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(pause) => {}
        }
    }
    tasks.join_all().await;
    parts.join_all().await;
}
