//! Verifying a repository: is everything there, whole, and as it was written?

mod data;
mod lost;
mod report;
mod structure;

use std::num::NonZeroU8;
use std::sync::Arc;

use parking_lot::Mutex;

pub use report::{DamagedObject, LostPath, SnapshotDamage, VerifyReport};

use crate::error::Result;
use crate::id::ManifestId;
use crate::maintenance::bits::Bits;
use crate::maintenance::survey::Survey;
use crate::progress::{Cancel, NoProgress, Progress};
use crate::repository::{Repository, Shared};
use structure::Structure;

/// How much of the data is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum VerifyDepth {
    /// None: keys, index, manifests and every page of the trees are read; of the packs of data, presence and length
    /// are checked, and that every chunk that a snapshot needs is in one.
    #[default]
    Structure,
    /// Beyond that, this part of the blocks of data, in percent, chosen by chance, and the footer of every pack.
    Sample(NonZeroU8),
    /// Beyond that, every byte.
    Full,
}

/// How a repository is verified.
#[derive(Debug, Clone)]
pub struct VerifyOptions {
    /// How much of the data is read.
    pub depth: VerifyDepth,
    /// Only what these snapshots need; `None` for the whole repository.
    pub manifests: Option<Vec<ManifestId>>,
    /// How many threads may work at once, at least 1; by default that of the machine's cores.
    pub threads: usize,
    /// The most lost paths that are listed for a snapshot; more are only counted.
    pub max_lost_paths: usize,
    /// Told of the bytes of packs that are read.
    pub progress: Arc<dyn Progress>,
    /// Stops the verification.
    pub cancel: Cancel,
}

impl Default for VerifyOptions {
    fn default() -> Self {
        Self {
            depth: VerifyDepth::default(),
            manifests: None,
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            max_lost_paths: 1000,
            progress: Arc::new(NoProgress),
            cancel: Cancel::new(),
        }
    }
}

/// A verification under way.
struct Verification<'a> {
    shared: &'a Shared,
    survey: &'a Survey,
    options: &'a VerifyOptions,
    report: Mutex<VerifyReport>,
    /// Chunks that cannot be read, by their numbers in the index.
    bad: Mutex<Bits>,
    /// Makes every sample another one.
    sample_seed: [u8; 16],
}

impl Repository {
    /// Verifies the repository and tells of every damaged object and of what is lost by it. Changes nothing; works
    /// while others write and collect. Memory: some bytes per chunk, and some MiB per thread.
    ///
    /// Errors are failures to reach the store, and [`crate::RepositoryError::Cancelled`]; damage is not an error.
    pub fn verify(&self, options: &VerifyOptions) -> Result<VerifyReport> {
        let shared = &*self.shared;
        let survey = Survey::take(shared)?;
        let mut sample_seed = [0; 16];
        shared.rng.fill(&mut sample_seed);
        let verification = Verification {
            shared,
            survey: &survey,
            options,
            report: Mutex::default(),
            bad: Mutex::new(Bits::new(survey.index.chunk_count())),
            sample_seed,
        };
        let structure = Structure::check(&verification, self)?;
        verification.check_data(&structure)?;
        verification.find_lost(&structure)?;
        let mut report = verification.report.into_inner();
        report.sort();
        Ok(report)
    }
}
