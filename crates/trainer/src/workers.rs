//! The threads that train candidates.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use crate::candidate::{ClimbScratch, ClimbSettings, climb};
use crate::fold::Fold;
use crate::kernel::Columns;
use crate::state::Candidate;

/// Threads with memory of their own. Which thread trains which candidate changes no bit.
pub(crate) struct Workers {
    threads: usize,
    /// Absent with one thread.
    pool: Option<rayon::ThreadPool>,
    scratch: Vec<Mutex<ClimbScratch>>,
    /// The largest correlation of each candidate after each epoch of a slice.
    best: Vec<f32>,
}

impl Workers {
    /// As many threads as asked for; 0 means all of the machine. Where threads cannot be started, the caller's is used.
    pub(crate) fn new(threads: u64) -> Self {
        let machine = || std::thread::available_parallelism().map_or(1, usize::from);
        let wanted = if threads == 0 { machine() } else { threads as usize };
        let pool = (wanted > 1)
            .then(|| {
                rayon::ThreadPoolBuilder::new()
                    .num_threads(wanted)
                    .thread_name(|index| format!("trainer-{index}"))
                    .build()
                    .ok()
            })
            .flatten();
        let threads = if pool.is_some() { wanted } else { 1 };
        let scratch = (0..threads).map(|_| Mutex::default()).collect();
        Self { threads, pool, scratch, best: Vec::new() }
    }

    /// How many threads there are.
    pub(crate) const fn threads(&self) -> usize {
        self.threads
    }

    /// Trains all candidates for at most `epochs` epochs and returns how many were trained: as many as the candidate
    /// that trained longest.
    pub(crate) fn climb(
        &mut self,
        fold: &Fold,
        residual: &Columns,
        settings: ClimbSettings,
        candidates: &mut [Candidate],
        epochs: usize,
    ) -> usize {
        self.best.clear();
        self.best.resize(candidates.len() * epochs, f32::NAN);
        let longest = AtomicUsize::new(0);
        let scratch = &self.scratch;
        let train = |(candidate, best): (&mut Candidate, &mut [f32])| {
            let place = rayon::current_thread_index().unwrap_or(0) % scratch.len();
            let mut scratch = scratch[place].lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let trained = climb(fold, residual, settings, candidate, &mut scratch, best);
            // A candidate that is done stays at its best.
            best[trained..].fill(candidate.best);
            longest.fetch_max(trained, Ordering::Relaxed);
        };
        match &self.pool {
            Some(pool) => pool.install(|| {
                candidates
                    .par_iter_mut()
                    .zip(self.best.par_chunks_mut(epochs))
                    .with_max_len(1)
                    .for_each(train);
            }),
            None => candidates.iter_mut().zip(self.best.chunks_mut(epochs)).for_each(train),
        }
        longest.into_inner()
    }

    /// The largest correlation of the whole pool after the epoch number `index` of the last slice of `epochs` epochs.
    pub(crate) fn best_after(&self, index: usize, epochs: usize) -> f32 {
        self.best.iter().skip(index).step_by(epochs).fold(f32::NAN, |best, value| best.max(*value))
    }
}
