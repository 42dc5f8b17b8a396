//! The runs in this process, and the telemetry of each tenant.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use backstay_model::{SourceId, TenantId, Timestamp};
use backstay_trainer::Status;
use parking_lot::Mutex;
use tokio::sync::watch;

use super::feed::Feed;
use super::live_run::LiveRun;

/// From so many runs on, idle ones are forgotten when another one is loaded.
const MANY_RUNS: usize = 64;

/// A run, once it is loaded. The lock is held while it is.
pub(super) type Slot = Arc<tokio::sync::Mutex<Option<Arc<LiveRun>>>>;

/// The runs in this process, and the telemetry of each tenant.
#[derive(Default)]
pub(crate) struct Live {
    slots: Mutex<HashMap<SourceId, Slot>>,
    feeds: Mutex<HashMap<TenantId, Arc<Feed>>>,
    is_closed: AtomicBool,
    follower: watch::Sender<Follower>,
}

/// Whether somebody puts what the event log tells of snapshots into the feeds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Follower {
    /// Nobody does.
    #[default]
    Absent,
    /// Somebody will, when it is wanted.
    Waiting,
    /// It is wanted.
    Wanted,
    /// Somebody does.
    Active,
}

impl Live {
    pub(super) fn slot(&self, run: &SourceId) -> Slot {
        Arc::clone(self.slots.lock().entry(run.clone()).or_default())
    }

    /// The telemetry of a tenant.
    pub(super) fn feed(&self, tenant: &TenantId, now: Timestamp) -> Arc<Feed> {
        let mut feeds = self.feeds.lock();
        Arc::clone(feeds.entry(tenant.clone()).or_insert_with(|| Arc::new(Feed::new(now))))
    }

    /// Whether somebody follows the event log.
    pub(super) const fn follower(&self) -> &watch::Sender<Follower> {
        &self.follower
    }

    /// Whether any run trains.
    pub(super) fn is_training(&self) -> bool {
        self.loaded().iter().any(|run| run.shared.present().status == Status::Started)
    }

    /// A run that is loaded and not being changed in this moment.
    pub(super) fn loaded_run(&self, run: &SourceId) -> Option<Arc<LiveRun>> {
        let slot = self.slots.lock().get(run).cloned()?;
        slot.try_lock().ok()?.clone()
    }

    /// The runs that are loaded and not being changed in this moment.
    pub(super) fn loaded(&self) -> Vec<Arc<LiveRun>> {
        let slots: Vec<Slot> = self.slots.lock().values().cloned().collect();
        slots.iter().filter_map(|slot| slot.try_lock().ok()?.clone()).collect()
    }

    /// Makes room when there are many: what is idle and used by nobody goes.
    pub(super) fn make_room(&self) {
        let mut slots = self.slots.lock();
        if slots.len() < MANY_RUNS {
            return;
        }
        slots.retain(|_, slot| {
            // Whoever has the slot is about to use it.
            if Arc::strong_count(slot) > 1 {
                return true;
            }
            let Ok(run) = slot.try_lock() else { return true };
            run.as_ref().is_some_and(|run| Arc::strong_count(run) > 1 || !run.is_idle())
        });
    }

    /// No run is loaded any more. All slots, to be emptied.
    pub(super) fn close(&self) -> Vec<Slot> {
        self.is_closed.store(true, Ordering::Release);
        self.slots.lock().values().cloned().collect()
    }

    pub(super) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }
}
