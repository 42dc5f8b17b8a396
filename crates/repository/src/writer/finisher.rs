//! Makes finished packs durable in the background, so that no lane waits for the disk while there is work to do.

use std::sync::Arc;
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, bounded};
use parking_lot::Mutex;

use crate::error::{RepositoryError, Result};
use crate::id::ChunkId;
use crate::pack::{PackInfo, PackWriter};

/// Packs that are made durable at the same time.
const THREADS: usize = 2;

/// Packs that wait for it; when there are more, lanes wait, too.
const WAITING: usize = 2;

/// Receives the packs that have become durable.
pub(crate) trait PackSink: Send + Sync {
    /// Takes note of a durable pack.
    fn durable(&self, pack: PackInfo<ChunkId>) -> Result<()>;

    /// Takes note of a failure; the session cannot be committed any more.
    fn failed(&self, error: RepositoryError);
}

/// The background threads; they are started with the first pack.
pub(crate) struct Finisher {
    sink: Arc<dyn PackSink>,
    running: Mutex<Option<Running>>,
}

struct Running {
    packs: Sender<PackWriter>,
    threads: Vec<JoinHandle<()>>,
}

impl std::fmt::Debug for Finisher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Finisher")
    }
}

impl Finisher {
    pub(crate) fn new(sink: Arc<dyn PackSink>) -> Self {
        Self { sink, running: Mutex::new(None) }
    }

    /// Hands over a pack. Blocks while too many wait.
    pub(crate) fn finish(&self, pack: PackWriter) {
        let packs = {
            let mut running = self.running.lock();
            let running = running.get_or_insert_with(|| {
                let (packs, waiting) = bounded(WAITING);
                let threads = (0..THREADS).map(|_| spawn(waiting.clone(), Arc::clone(&self.sink))).collect();
                Running { packs, threads }
            });
            running.packs.clone()
        };
        // The threads end only after every sender is gone, so there is a receiver.
        packs.send(pack).unwrap_or_else(|_| self.sink.failed(RepositoryError::SessionFailed));
    }

    /// Waits until every pack that was handed over is durable or has failed.
    pub(crate) fn wait(&self) {
        let Some(Running { packs, threads }) = self.running.lock().take() else { return };
        drop(packs);
        for thread in threads {
            if thread.join().is_err() {
                self.sink.failed(RepositoryError::SessionFailed);
            }
        }
    }
}

impl Drop for Finisher {
    fn drop(&mut self) {
        self.wait();
    }
}

fn spawn(waiting: Receiver<PackWriter>, sink: Arc<dyn PackSink>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        for pack in waiting {
            if let Err(error) = pack.finish().and_then(|pack| sink.durable(pack)) {
                sink.failed(error);
            }
        }
    })
}
