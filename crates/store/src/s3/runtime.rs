//! Waiting for asynchronous requests from blocking code.

use std::future::Future;
use std::io;
use std::sync::mpsc;

use tokio::runtime::{Builder, Runtime};

/// A runtime of the store's own. Requests run on its threads, so that the caller may be any thread: also one of
/// another runtime.
pub(super) struct OwnRuntime(Option<Runtime>);

impl OwnRuntime {
    pub(super) fn start() -> io::Result<Self> {
        let runtime = Builder::new_multi_thread().worker_threads(2).thread_name("s3").enable_all().build()?;
        Ok(Self(Some(runtime)))
    }

    /// Runs a request and blocks until it is done; `None` when it panicked.
    pub(super) fn wait<T: Send + 'static>(
        &self,
        request: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        let (sender, receiver) = mpsc::sync_channel(1);
        self.0.as_ref()?.spawn(async move {
            // The receiver waits as long as the request runs.
            let _ = sender.send(request.await);
        });
        receiver.recv().ok()
    }
}

impl Drop for OwnRuntime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            // The store may be dropped on a thread of another runtime, which must not block.
            runtime.shutdown_background();
        }
    }
}
