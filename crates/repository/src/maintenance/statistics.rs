//! How large a repository is, and of what.

use std::collections::BTreeMap;

use backstay_model::{SourceId, Timestamp};

use crate::error::{RepositoryError, Result};
use crate::maintenance::live::Live;
use crate::maintenance::survey::Survey;
use crate::maintenance::usage::usage;
use crate::progress::Cancel;
use crate::repository::Repository;

/// How a repository is counted.
#[derive(Debug, Clone, Default)]
pub struct StatisticsOptions {
    /// Also finds out what nothing references, which reads every page of every tree.
    pub count_unused: bool,
    /// Stops the counting.
    pub cancel: Cancel,
}

/// A source in [`Statistics`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SourceStatistics {
    /// Its snapshots.
    pub snapshots: u64,
    /// The sum of the lengths of all files of all its snapshots.
    pub logical_bytes: u64,
    /// What its snapshots added to the repository when they were taken.
    pub added_bytes: u64,
    /// When its last snapshot was taken.
    pub last_snapshot_at: Option<Timestamp>,
}

/// How large a repository is, and of what.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Statistics {
    /// Snapshots.
    pub snapshots: u64,
    /// The sum of the lengths of all files of all snapshots.
    pub logical_bytes: u64,
    /// Bytes in packs before compression: what is left of the logical bytes after deduplication.
    pub deduplicated_bytes: u64,
    /// Bytes of packs on the store.
    pub stored_bytes: u64,
    /// Bytes of index objects on the store.
    pub index_bytes: u64,
    /// Packs.
    pub packs: u64,
    /// Index objects.
    pub index_objects: u64,
    /// Chunks, those in several packs counted each time.
    pub chunks: u64,
    /// Packs that a collection has marked for removal, and that are still there.
    pub marked_packs: u64,
    /// About how many bytes on the store nothing references; see [`StatisticsOptions::count_unused`].
    pub unused_bytes: Option<u64>,
    /// By source.
    pub sources: BTreeMap<SourceId, SourceStatistics>,
}

impl Repository {
    /// Counts the repository. Manifests that cannot be read are left out; [`Repository::verify`] tells of them.
    pub fn statistics(&self, options: &StatisticsOptions) -> Result<Statistics> {
        let shared = &*self.shared;
        let survey = Survey::take(shared)?;
        let mut live = options.count_unused.then(|| Live::new(&survey));
        let mut statistics = Statistics {
            stored_bytes: survey.packs.values().map(|pack| pack.size).sum(),
            index_bytes: survey.index_bytes,
            packs: survey.packs.len() as u64,
            index_objects: survey.index_objects.len() as u64,
            chunks: survey.index.chunk_count() as u64,
            marked_packs: survey.packs.keys().filter(|pack| survey.markers.contains_key(pack)).count() as u64,
            ..Statistics::default()
        };
        for (.., blocks) in survey.index.packs() {
            let raw = blocks.map(|block| u64::from(survey.index.block(block).raw_bytes));
            statistics.deduplicated_bytes += raw.sum::<u64>();
        }
        for id in &survey.manifests {
            options.cancel.check()?;
            let manifest = match self.read_manifest(id) {
                Ok(manifest) => manifest,
                Err(RepositoryError::NotFound { .. } | RepositoryError::Damaged { .. }) => continue,
                Err(error) => return Err(error),
            };
            if let Some(live) = &mut live {
                live.add(shared, &survey, &manifest.root, &options.cancel)?;
            }
            statistics.snapshots += 1;
            statistics.logical_bytes += manifest.logical_bytes;
            let source = statistics.sources.entry(manifest.source).or_default();
            source.snapshots += 1;
            source.logical_bytes += manifest.logical_bytes;
            source.added_bytes += manifest.stored_bytes;
            source.last_snapshot_at = source.last_snapshot_at.max(Some(manifest.created_at));
        }
        statistics.unused_bytes =
            live.map(|live| usage(&survey.index, &live).map(|usage| usage.unused_stored_bytes()).sum());
        Ok(statistics)
    }
}
