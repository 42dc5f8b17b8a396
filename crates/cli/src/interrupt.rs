//! Ctrl-C and its relatives.

use std::sync::atomic::{AtomicBool, Ordering};

use backstay_repository::Cancel;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Watches for SIGINT, SIGTERM and SIGHUP while the runtime runs. The first asks the operation to stop; it ends at its
/// next safe point, or finishes when it has committed. The second one of a person ends the process at once, which is as
/// safe as `kill -9`: the next command recovers.
pub(crate) fn watch(cancel: Cancel) {
    let signals: [Option<Signal>; 3] =
        [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()]
            .map(|kind| signal(kind).ok());
    tokio::spawn(async move {
        let [mut interrupt, mut terminate, mut hangup] = signals;
        let mut seen = false;
        loop {
            tokio::select! {
                () = next(&mut interrupt) => {}
                () = next(&mut terminate) => {}
                () = next(&mut hangup) => {
                    if HANGUP_HAS_A_USE.load(Ordering::Relaxed) {
                        continue;
                    }
                }
            }
            if seen {
                std::process::exit(130);
            }
            seen = true;
            cancel.cancel();
        }
    });
}

/// Whether SIGHUP means something else than to stop.
static HANGUP_HAS_A_USE: AtomicBool = AtomicBool::new(false);

/// Calls `answer` at each SIGHUP, which from now on does not stop the process.
pub(crate) fn on_hangup(mut answer: impl FnMut() + Send + 'static) {
    HANGUP_HAS_A_USE.store(true, Ordering::Relaxed);
    let mut hangup = signal(SignalKind::hangup()).ok();
    tokio::spawn(async move {
        loop {
            next(&mut hangup).await;
            answer();
        }
    });
}

/// Waits for the next signal; for ever when it cannot be watched.
async fn next(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => {
            signal.recv().await;
        }
        None => std::future::pending().await,
    }
}

/// Returns when the person or the system asked to stop.
pub(crate) async fn requested(cancel: &Cancel) {
    // A flag that many threads poll has no waker; a tenth of a second is soon enough for a person.
    let mut tick = tokio::time::interval(std::time::Duration::from_millis(100));
    while !cancel.is_cancelled() {
        tick.tick().await;
    }
}
