//! Collecting garbage while others write: in two phases, a grace period apart, without locks.
//!
//! 1. **Mark.** Packs that nothing references get a marker, `garbage/<pack id>`, and so do packs of which little is
//!    referenced, whose referenced chunks are then stored again in new packs. A capture that begins after the marker
//!    was written takes what lies in a marked pack for absent.
//! 2. **Sweep.** Packs that were marked a grace period ago are told of in an object `garbage/sweep-<digits>`; after that
//!    the manifests are read. What nothing references by then is removed: index objects without it are written, the old
//!    ones deleted, then the pack. A capture that began before the mark and relies on the pack has either committed, so
//!    that its manifest is seen now and the mark is taken back; or it sees, after its manifest is there, what was told,
//!    and stores again what it needs or fails.
//!
//! Ages are differences between times of the store, and decide only how likely a capture has to do extra work: that none
//! loses anything rests on the order in which both sides write and read ([`crate::writer`] has the other side). The
//! marker stays for another grace period: should an index object written by a second, slower collector still tell of
//! the pack, no capture relies on it. A collection that is broken off anywhere does no harm; the next one goes on.

mod declare;
mod mark;
mod sweep;
mod times;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use crate::error::{RepositoryError, Result};
use crate::id::ManifestId;
use crate::maintenance::live::Live;
use crate::maintenance::survey::{Survey, is_damage, store_time};
use crate::manifests::trash_name;
use crate::progress::{Cancel, NoProgress, Progress};
use crate::repository::{Repository, Shared};
use crate::uptime::{BootTime, Stopwatch, Uptime};
use declare::Declared;
use times::Times;

/// How a repository is collected.
#[derive(Debug, Clone)]
pub struct CollectOptions {
    /// Packs are rewritten until at most this part of what is stored is unreferenced, in percent.
    pub max_unused_percent: u8,
    /// Another grace period than the repository's, in seconds. With a shorter one a capture under way may have to store
    /// things again, or fail and have to be repeated; it loses nothing.
    pub grace_seconds: Option<u64>,
    /// How many threads may work at once, at least 1; by default that of the machine's cores.
    pub threads: usize,
    /// Told of the bytes of chunks that are stored again.
    pub progress: Arc<dyn Progress>,
    /// Stops the collection.
    pub cancel: Cancel,
    /// Tells how long the collection has been at work; by default the time since the machine was started.
    pub uptime: Arc<dyn Uptime>,
}

impl Default for CollectOptions {
    fn default() -> Self {
        Self {
            max_unused_percent: 10,
            grace_seconds: None,
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            progress: Arc::new(NoProgress),
            cancel: Cancel::new(),
            uptime: Arc::new(BootTime),
        }
    }
}

/// What a collection did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CollectReport {
    /// Packs that were removed: marked a grace period ago.
    pub removed_packs: u64,
    /// The bytes that this freed.
    pub removed_bytes: u64,
    /// Packs that were marked now.
    pub marked_packs: u64,
    /// Their bytes; they are freed by a collection a grace period from now.
    pub marked_bytes: u64,
    /// Packs that were marked earlier and whose grace period is not over.
    pub waiting_packs: u64,
    /// Their bytes.
    pub waiting_bytes: u64,
    /// Packs whose mark was taken back because something references them.
    pub unmarked_packs: u64,
    /// Of the packs marked now, those from which chunks were stored again.
    pub rewritten_packs: u64,
    /// The bytes of those chunks, before compression.
    pub rewritten_bytes: u64,
    /// Bytes that nothing references and that stay, as allowed by [`CollectOptions::max_unused_percent`].
    pub unused_bytes: u64,
    /// Deleted manifests of which the last copy was removed.
    pub removed_manifests: u64,
    /// Index objects that were written anew.
    pub replaced_index_objects: u64,
    /// Remains of dead writers that were removed.
    pub removed_temporary_files: u64,
}

/// A collection under way.
struct Collection<'a> {
    repository: &'a Repository,
    shared: &'a Shared,
    options: &'a CollectOptions,
    survey: Survey,
    live: Live,
    times: Times,
    declared: Declared,
    watch: Stopwatch,
    report: CollectReport,
}

impl Repository {
    /// Collects garbage: sweeps what was marked a grace period ago, then marks what nothing references now. Nothing
    /// that was written or deleted less than a grace period ago is touched.
    ///
    /// A repository with a damaged index or damaged snapshots is refused, since nobody knows what those reference:
    /// repair it, or delete the damaged snapshots, first.
    pub fn collect(&self, options: &CollectOptions) -> Result<CollectReport> {
        let shared = &*self.shared;
        let watch = Stopwatch::start(&options.uptime);
        let captures_grace = shared.config.collect_grace_seconds;
        let times = Times {
            now: store_time(shared)?,
            grace: Duration::from_secs(options.grace_seconds.unwrap_or(captures_grace)),
            captures_grace: Duration::from_secs(captures_grace),
        };
        let declared = Declared::tell(shared, &times)?;
        let survey = Survey::take(shared)?;
        let live = Live::new(&survey);
        let mut collection = Collection {
            repository: self,
            shared,
            options,
            survey,
            live,
            times,
            declared,
            watch,
            report: CollectReport::default(),
        };
        collection.find_live()?;
        collection.sweep()?;
        collection.mark()?;
        collection.report.removed_temporary_files = shared.store.clean_temporary()?;
        Ok(collection.report)
    }
}

impl Collection<'_> {
    /// Refuses to act on a survey that has become too old: others may have acted on what came after it.
    fn check_time(&self) -> Result<()> {
        self.options.cancel.check()?;
        let grace = self.times.grace;
        if grace.is_zero() || self.watch.elapsed() < grace / 2 {
            return Ok(());
        }
        Err(RepositoryError::Invalid {
            what: "what the collection found".to_owned(),
            reason: "it took longer than half of the grace period; run it again",
        })
    }

    fn find_live(&mut self) -> Result<()> {
        if let Some((_, error)) = self.survey.damaged_index.pop() {
            return Err(error);
        }
        for id in self.survey.manifests.clone() {
            match self.repository.read_manifest(&id) {
                Ok(manifest) => {
                    self.live.add(self.shared, &self.survey, &manifest.root, &self.options.cancel)?;
                }
                // Deleted since it was listed.
                Err(RepositoryError::NotFound { .. }) => self.add_trashed(&id)?,
                Err(error) => return Err(error),
            }
        }
        let (old, young): (Vec<_>, Vec<_>) = self
            .survey
            .trash
            .iter()
            .partition(|(_, since)| self.times.age(*since) >= self.times.waiting_time());
        for (id, _) in young {
            self.add_trashed(&id)?;
        }
        let names: Vec<_> = old.iter().map(|(id, _)| trash_name(id)).collect();
        self.report.removed_manifests = names.len() as u64;
        Ok(self.shared.store.delete_many(&names)?)
    }

    /// Spares what a snapshot that was deleted a short time ago references; what is damaged of it does not matter.
    fn add_trashed(&mut self, id: &ManifestId) -> Result<()> {
        let manifest = match self.repository.read_manifest_at(&trash_name(id), id) {
            Ok(manifest) => manifest,
            Err(error) if is_damage(&error) => return Ok(()),
            Err(error) => return Err(error),
        };
        match self.live.add(self.shared, &self.survey, &manifest.root, &self.options.cancel) {
            Err(error) if is_damage(&error) => Ok(()),
            outcome => outcome,
        }
    }

    /// Takes packs out of the index.
    fn drop_from_index(&mut self, drop: &HashSet<crate::PackId>) -> Result<()> {
        self.check_time()?;
        let may_delete = || self.check_time();
        let replaced =
            crate::maintenance::replace_index::replace_index(self.shared, &self.survey, drop, &may_delete)?;
        self.report.replaced_index_objects += replaced;
        Ok(())
    }
}
