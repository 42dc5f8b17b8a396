//! Work on a list of things with several threads.

use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

use crate::error::{RepositoryError, Result};

/// Calls `work` for every item, on up to `threads` threads. Ends with the first error.
pub(crate) fn for_each<T: Sync>(
    items: &[T],
    threads: usize,
    work: impl Fn(&T) -> Result<()> + Sync,
) -> Result<()> {
    let next = AtomicUsize::new(0);
    let first_error = Mutex::new(None);
    let run = || {
        while first_error.lock().is_none() {
            let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) else { return };
            if let Err(error) = work(item) {
                first_error.lock().get_or_insert(error);
                return;
            }
        }
    };
    std::thread::scope(|scope| {
        let helpers: Vec<_> = (1..threads.min(items.len())).map(|_| scope.spawn(run)).collect();
        run();
        for helper in helpers {
            if helper.join().is_err() {
                first_error.lock().get_or_insert(RepositoryError::SessionFailed);
            }
        }
    });
    first_error.into_inner().map_or(Ok(()), Err)
}
