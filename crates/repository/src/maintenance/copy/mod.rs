//! Copying snapshots to another repository, which has other keys: every chunk is opened here and sealed there.
//!
//! The data goes first, in the order in which it lies here, so that every block is opened once and both sides read and
//! write in long runs. Then the trees are written anew, since the ids in them are those of the other repository. Chunks
//! stay as they are cut.

mod data;
mod tree;

use std::collections::HashSet;
use std::sync::Arc;

pub(crate) use data::DataCopy;
pub(crate) use tree::TreeCopy;

use crate::error::{RepositoryError, Result};
use crate::id::ManifestId;
use crate::maintenance::live::Live;
use crate::maintenance::survey::Survey;
use crate::manifest::Manifest;
use crate::progress::{Cancel, NoProgress, Progress};
use crate::repository::Repository;
use crate::writer::{Receipt, WriterOptions};

/// How snapshots are copied.
#[derive(Debug, Clone)]
pub struct CopyOptions {
    /// Which; `None` for all.
    pub manifests: Option<Vec<ManifestId>>,
    /// How many threads may work at once, at least 1; by default that of the machine's cores.
    pub threads: usize,
    /// Told of the bytes of chunks that are copied.
    pub progress: Arc<dyn Progress>,
    /// Stops the copying; a repetition goes on where it was.
    pub cancel: Cancel,
}

impl Default for CopyOptions {
    fn default() -> Self {
        Self {
            manifests: None,
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            progress: Arc::new(NoProgress),
            cancel: Cancel::new(),
        }
    }
}

impl CopyOptions {
    pub(crate) fn writer_options(&self) -> WriterOptions {
        WriterOptions {
            parent: None,
            threads: self.threads,
            progress: self.progress.clone(),
            cancel: self.cancel.clone(),
            ..WriterOptions::default()
        }
    }
}

/// What was copied.
#[derive(Debug, Clone, Default)]
pub struct CopyReport {
    /// Each copied manifest: its id here, and what became of it there.
    pub copied: Vec<(ManifestId, Receipt)>,
    /// Manifests whose snapshots were there already.
    pub skipped: Vec<ManifestId>,
}

/// Copies snapshots from one repository to another. Snapshots keep their ids; one that is there already is skipped, so
/// a copy that was broken off is completed by doing it again.
///
/// Each snapshot appears whole or not at all. Memory: about 60 bytes per chunk of `from`, and some MiB per thread.
/// Damage of a snapshot that is to be copied is an error, and those before it are copied.
pub fn copy_snapshots(from: &Repository, to: &Repository, options: &CopyOptions) -> Result<CopyReport> {
    let present = snapshots_of(to)?;
    let ids = match &options.manifests {
        Some(ids) => ids.clone(),
        None => from.manifests()?,
    };
    let mut report = CopyReport::default();
    let mut wanted = Vec::new();
    for id in ids {
        let manifest = from.read_manifest(&id)?;
        if present.contains(manifest.snapshot.as_str()) {
            report.skipped.push(id);
        } else {
            wanted.push((id, manifest));
        }
    }
    if wanted.is_empty() {
        return Ok(report);
    }
    // The oldest first: what a broken-off copy leaves is then a history without gaps.
    wanted.sort_by_key(|(_, manifest)| manifest.created_at);
    let survey = Survey::take(&from.shared)?;
    let data = DataCopy::run(from, &survey, to, wanted.iter().map(|(_, manifest)| manifest), options)?;
    let mut trees = TreeCopy::new(from, &survey, data);
    for (id, manifest) in wanted {
        let writer = to.writer(options.writer_options())?;
        let root = trees.copy(&writer, &manifest.root)?;
        let receipt = writer.finish(Manifest { root, ..manifest })?;
        report.copied.push((id, receipt));
    }
    Ok(report)
}

/// The ids of all snapshots whose manifests can be read.
fn snapshots_of(repository: &Repository) -> Result<HashSet<String>> {
    let mut present = HashSet::new();
    for id in repository.manifests()? {
        match repository.read_manifest(&id) {
            Ok(manifest) => {
                present.insert(manifest.snapshot.to_string());
            }
            Err(RepositoryError::NotFound { .. } | RepositoryError::Damaged { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(present)
}

/// What `manifests` reference, by the index of `survey`.
fn live_of<'m>(
    from: &Repository,
    survey: &Survey,
    manifests: impl Iterator<Item = &'m Manifest>,
    cancel: &Cancel,
) -> Result<Live> {
    let mut live = Live::new(survey);
    for manifest in manifests {
        live.add(&from.shared, survey, &manifest.root, cancel)?;
    }
    Ok(live)
}
