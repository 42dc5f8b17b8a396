//! Repairing a repository: what can be saved is saved, what is lost is taken out of the index, so that the next
//! capture stores it again.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use crate::damage_notes;
use crate::error::{RepositoryError, Result};
use crate::garbage::{declare_sweep, marker_name};
use crate::id::{ManifestId, PackId};
use crate::index::{IndexedPack, list_index_objects};
use crate::maintenance::copy::{CopyOptions, DataCopy, TreeCopy};
use crate::maintenance::replace_index::{IndexWriter, replace_index};
use crate::maintenance::rewrite::{PackBlocks, store_again};
use crate::maintenance::survey::{Survey, is_damage};
use crate::maintenance::verify::{VerifyDepth, VerifyOptions, VerifyReport};
use crate::pack::{ChunkInfo, PackInfo, read_footer};
use crate::progress::{Cancel, NoProgress, Progress};
use crate::repository::Repository;
use crate::writer::WriterOptions;

/// How a repository is repaired.
#[derive(Debug, Clone)]
pub struct RepairOptions {
    /// How thoroughly damage is looked for.
    pub depth: VerifyDepth,
    /// A repository that has copies of the snapshots: lost content is taken from there.
    pub heal_from: Option<Repository>,
    /// How many threads may work at once, at least 1; by default that of the machine's cores.
    pub threads: usize,
    /// Told of the bytes that are read.
    pub progress: Arc<dyn Progress>,
    /// Stops the repair; a repetition goes on.
    pub cancel: Cancel,
}

impl Default for RepairOptions {
    fn default() -> Self {
        Self {
            depth: VerifyDepth::Full,
            heal_from: None,
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            progress: Arc::new(NoProgress),
            cancel: Cancel::new(),
        }
    }
}

/// What a repair did.
#[derive(Debug, Clone, Default)]
pub struct RepairReport {
    /// What was found before.
    pub found: VerifyReport,
    /// Packs that were entered into the index from their footers.
    pub indexed_packs: u64,
    /// Damaged packs that were taken out of the index, after what was left of them was stored again. They stay on the
    /// store, marked, until a collection removes them.
    pub dropped_packs: u64,
    /// Bytes of chunks that were saved from damaged packs, before compression.
    pub saved_bytes: u64,
    /// Snapshots of which lost content was taken from the other repository.
    pub healed_snapshots: u64,
    /// What is left.
    pub left: VerifyReport,
}

impl Repository {
    /// Repairs the repository as far as possible. Deletes no pack and no manifest; works while others write. A manifest
    /// that cannot be read stays as it is: delete it, and copy its snapshot from another repository if there is one.
    ///
    /// 1. Packs that no readable index object tells of are entered from their footers; index objects that cannot be
    ///    read are deleted.
    /// 2. Packs that are damaged are taken out of the index; what is left of them is stored again.
    /// 3. With [`RepairOptions::heal_from`], lost content is taken from there.
    /// 4. A capture no longer takes over unchanged content from a snapshot that has lost something, so the next
    ///    capture of its source reads every file and stores what was lost, if the files still have it.
    pub fn repair(&self, options: &RepairOptions) -> Result<RepairReport> {
        let verify = |depth| {
            self.verify(&VerifyOptions {
                depth,
                threads: options.threads,
                progress: options.progress.clone(),
                cancel: options.cancel.clone(),
                ..VerifyOptions::default()
            })
        };
        let mut report =
            RepairReport { indexed_packs: self.index_unknown_packs(options)?, ..RepairReport::default() };
        report.found = verify(options.depth)?;
        if !report.found.is_ok() {
            self.drop_damaged_packs(options, &mut report)?;
            if let Some(healer) = &options.heal_from {
                self.heal(healer, options, &mut report)?;
            }
        }
        report.left =
            if report.found.is_ok() { report.found.clone() } else { verify(VerifyDepth::Structure)? };
        let lost: BTreeSet<ManifestId> = report.left.snapshots.iter().map(|damage| damage.manifest).collect();
        damage_notes::replace(&*self.shared.store, &lost)?;
        Ok(report)
    }

    /// Enters packs that no readable index object tells of, and deletes index objects that cannot be read.
    fn index_unknown_packs(&self, options: &RepairOptions) -> Result<u64> {
        let shared = &*self.shared;
        // A capture writes its index after its packs; what is listed before has told of its packs.
        let before = list_index_objects(&*shared.store)?;
        let survey = Survey::take(shared)?;
        let unknown: Vec<_> = survey
            .packs
            .iter()
            .filter(|(pack, _)| {
                survey.index.pack_number(pack).is_none() && !survey.markers.contains_key(pack)
            })
            .collect();
        let mut writer = IndexWriter::new(shared);
        let mut count = 0;
        for (pack, object) in unknown {
            options.cancel.check()?;
            match read_footer(&*shared.store, &shared.keys, *pack, object.size) {
                Ok(footer) => {
                    writer.add(shorten(footer))?;
                    count += 1;
                }
                Err(error) if is_damage(&error) => {}
                Err(error) => return Err(error),
            }
        }
        writer.finish()?;
        let unreadable: Vec<_> = survey
            .damaged_index
            .iter()
            .filter(|(_, error)| !matches!(error, RepositoryError::NewerFormat { .. }))
            .map(|(id, _)| *id)
            .filter(|id| before.contains(id))
            .map(|id| id.object_name())
            .collect();
        shared.store.delete_many(&unreadable)?;
        Ok(count)
    }

    /// Takes damaged packs out of the index, after their readable chunks were stored again.
    fn drop_damaged_packs(&self, options: &RepairOptions, report: &mut RepairReport) -> Result<()> {
        let shared = &*self.shared;
        let damaged: HashSet<PackId> = report
            .found
            .damaged
            .iter()
            .filter_map(|damage| backstay_store::ObjectName::parse(&damage.object).ok())
            .filter_map(|name| PackId::from_object_name(&name))
            .collect();
        let survey = Survey::take(shared)?;
        let indexed: HashSet<PackId> = survey.index_objects.values().flatten().copied().collect();
        let damaged: HashSet<PackId> = damaged.intersection(&indexed).copied().collect();
        if damaged.is_empty() {
            return Ok(());
        }
        for pack in &damaged {
            shared.store.put(&marker_name(pack), b"damaged")?;
        }
        // Captures under way that rely on these packs look again.
        declare_sweep(shared, &damaged)?;
        let work: Vec<PackBlocks> = survey
            .index
            .packs()
            .filter(|(pack, ..)| damaged.contains(pack))
            .map(|(pack, class, _, blocks)| PackBlocks { pack, class, blocks: blocks.collect() })
            .collect();
        let writer = self.writer(WriterOptions {
            parent: None,
            threads: options.threads,
            progress: options.progress.clone(),
            cancel: options.cancel.clone(),
            ..WriterOptions::default()
        })?;
        let skip_damage = |_: &_, error| if is_damage(&error) { Ok(()) } else { Err(error) };
        report.saved_bytes =
            store_again(shared, &survey.index, &work, &writer, &|_| true, &|_, _| {}, &skip_damage)?;
        writer.flush()?;
        report.dropped_packs = damaged.len() as u64;
        // The index was written to meanwhile.
        replace_index(shared, &Survey::take(shared)?, &damaged, &|| options.cancel.check())?;
        Ok(())
    }

    /// Stores the content of damaged snapshots again, as `healer` has it: what is not lost is found to be there, and
    /// equal content makes equal chunks and pages.
    fn heal(&self, healer: &Repository, options: &RepairOptions, report: &mut RepairReport) -> Result<()> {
        let damaged: HashSet<&str> =
            report.found.snapshots.iter().filter_map(|damage| damage.snapshot.as_deref()).collect();
        let copy = CopyOptions {
            manifests: None,
            threads: options.threads,
            progress: options.progress.clone(),
            cancel: options.cancel.clone(),
        };
        let mut copies = Vec::new();
        for id in healer.manifests()? {
            let manifest = healer.read_manifest(&id)?;
            if damaged.contains(manifest.snapshot.as_str()) {
                copies.push(manifest);
            }
        }
        if !copies.is_empty() {
            let survey = Survey::take(&healer.shared)?;
            let data = DataCopy::run(healer, &survey, self, copies.iter(), &copy)?;
            let mut trees = TreeCopy::new(healer, &survey, data);
            let writer = self.writer(copy.writer_options())?;
            for manifest in &copies {
                trees.copy(&writer, &manifest.root)?;
                report.healed_snapshots += 1;
            }
            writer.flush()?;
        }
        Ok(())
    }
}

/// The description of a pack for the index: of each id the first half.
fn shorten(pack: PackInfo<crate::ChunkId>) -> IndexedPack {
    let chunks = pack.chunks.into_iter();
    IndexedPack {
        id: pack.id,
        salt: pack.salt,
        class: pack.class,
        size: pack.size,
        blocks: pack.blocks,
        chunks: chunks.map(|chunk| ChunkInfo { id: chunk.id.prefix(), length: chunk.length }).collect(),
    }
}
