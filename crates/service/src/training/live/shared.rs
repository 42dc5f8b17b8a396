//! What the thread of a run and those who ask for it share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use backstay_model::SnapshotId;
use parking_lot::{Mutex, RwLock};

use super::present::Present;

/// What the thread of a run and those who ask for it share.
#[derive(Debug)]
pub(super) struct Shared {
    present: RwLock<Arc<Present>>,
    saving: AtomicBool,
    saved: Mutex<Option<(u64, SnapshotId)>>,
}

impl Shared {
    pub(super) fn new(present: Present) -> Self {
        Self {
            present: RwLock::new(Arc::new(present)),
            saving: AtomicBool::new(false),
            saved: Mutex::new(None),
        }
    }

    /// Where the run was at the last look.
    pub(super) fn present(&self) -> Arc<Present> {
        Arc::clone(&self.present.read())
    }

    pub(super) fn set_present(&self, present: Present) {
        *self.present.write() = Arc::new(present);
    }

    /// Whether a save that nobody waits for may begin now; then it has.
    pub(super) fn begin_save(&self) -> bool {
        !self.saving.swap(true, Ordering::AcqRel)
    }

    pub(super) fn end_save(&self) {
        self.saving.store(false, Ordering::Release);
    }

    /// The state of `generation` is in `snapshot`.
    pub(super) fn note_saved(&self, generation: u64, snapshot: SnapshotId) {
        let mut saved = self.saved.lock();
        // A save that was begun earlier may end later.
        if saved.as_ref().is_none_or(|(newest, _)| *newest <= generation) {
            *saved = Some((generation, snapshot));
        }
    }

    /// The snapshot that has the state of now.
    pub(super) fn saved_now(&self) -> Option<SnapshotId> {
        let generation = self.present().generation;
        let saved = self.saved.lock();
        saved.as_ref().filter(|(saved, _)| *saved == generation).map(|(_, snapshot)| snapshot.clone())
    }
}
