//! What is on the store, seen at one time, with an index of its own.
//!
//! Maintenance does not use the shared index: it must not change while chunks are counted by their numbers, and it must
//! tell which copy of a chunk is to be relied on.

use std::collections::{HashMap, HashSet};

use backstay_model::Timestamp;
use backstay_store::{ObjectMeta, StoreErrorKind};
use bytes::Bytes;

use crate::error::{RepositoryError, Result};
use crate::garbage;
use crate::id::{ChunkId, IndexId, ManifestId, PackId};
use crate::index::{Index, IndexedPack, list_index_objects, read_index};
use crate::manifests::TRASH_FOLDER;
use crate::reader::blocks::FoundBlock;
use crate::repository::Shared;

/// A pack as the store lists it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PackObject {
    pub(crate) size: u64,
    pub(crate) modified: Timestamp,
}

/// See the module. Everything that a manifest of the survey references is in the index of the survey, unless the
/// repository is damaged.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    /// Markers of packs to be removed, and when each was written.
    pub(crate) markers: HashMap<PackId, Timestamp>,
    /// Deleted manifests that are still kept, and since when.
    pub(crate) trash: Vec<(ManifestId, Timestamp)>,
    pub(crate) manifests: Vec<ManifestId>,
    /// The packs that each readable index object tells of.
    pub(crate) index_objects: HashMap<IndexId, Vec<PackId>>,
    pub(crate) index_bytes: u64,
    /// Index objects that cannot be read.
    pub(crate) damaged_index: Vec<(IndexId, RepositoryError)>,
    pub(crate) packs: HashMap<PackId, PackObject>,
    /// Packs that the index tells of and the store does not have.
    pub(crate) missing_packs: HashSet<PackId>,
    /// Packs that have another length than the index tells.
    pub(crate) altered_packs: HashSet<PackId>,
    /// Every pack that the store has. A chunk in several packs is found in one that is neither marked nor altered, if
    /// there is one.
    pub(crate) index: Index,
}

/// How far a pack can be relied on.
enum Standing {
    /// The store does not have it.
    Missing,
    /// It has another length than it should, or is about to be removed.
    Doubtful,
    Reliable,
}

/// How often the index may be replaced while it is read.
const ATTEMPTS: usize = 8;

impl Survey {
    /// Takes a survey. The order matters: markers before manifests before the index before the packs; and manifests
    /// before the trash, which gets a copy of a manifest before it is deleted.
    pub(crate) fn take(shared: &Shared) -> Result<Self> {
        let store = &shared.store;
        for _ in 0..ATTEMPTS {
            let mut survey = Self::default();
            store.list(garbage::FOLDER, &mut |meta| {
                survey.markers.extend(garbage::marked_pack(&meta.name).map(|pack| (pack, meta.modified)));
                true
            })?;
            store.list(ManifestId::FOLDER, &mut |meta| {
                survey.manifests.extend(ManifestId::from_object_name(&meta.name));
                true
            })?;
            store.list(TRASH_FOLDER, &mut |meta| {
                survey.trash.extend(trashed(&meta).map(|id| (id, meta.modified)));
                true
            })?;
            survey.manifests.sort_unstable();
            let ids = list_index_objects(&**store)?;
            store.list(PackId::FOLDER, &mut |meta| {
                let pack = PackObject { size: meta.size, modified: meta.modified };
                survey.packs.extend(PackId::from_object_name(&meta.name).map(|id| (id, pack)));
                true
            })?;
            if survey.read_index_objects(shared, &ids)? {
                return Ok(survey);
            }
        }
        Err(RepositoryError::NotFound { object: "index object that stays while it is read".to_owned() })
    }

    /// Reads the index; `false` when some of it was replaced meanwhile.
    fn read_index_objects(&mut self, shared: &Shared, ids: &HashSet<IndexId>) -> Result<bool> {
        let mut doubtful = Vec::new();
        for id in ids {
            let Some(bytes) = read_object(shared, id)? else { return Ok(false) };
            let mut packs = Vec::new();
            let outcome = read_index(&shared.keys, *id, &bytes, |pack| {
                packs.push(pack.id);
                match self.judge(&pack) {
                    Standing::Missing => Ok(()),
                    Standing::Doubtful => {
                        doubtful.push(pack);
                        Ok(())
                    }
                    Standing::Reliable => self.index.add(&pack),
                }
            });
            match outcome {
                Ok(()) => {
                    self.index_bytes += bytes.len() as u64;
                    self.index_objects.insert(*id, packs);
                }
                Err(error) if is_damage(&error) => self.damaged_index.push((*id, error)),
                Err(error) => return Err(error),
            }
        }
        if doubtful.is_empty() {
            return Ok(true);
        }
        // The copy of a chunk that was added last is the one that is found.
        self.index = Index::default();
        doubtful.iter().try_for_each(|pack| self.index.add(pack))?;
        for id in self.index_objects.keys().copied().collect::<Vec<_>>() {
            let Some(bytes) = read_object(shared, &id)? else { return Ok(false) };
            read_index(&shared.keys, id, &bytes, |pack| match self.judge(&pack) {
                Standing::Reliable => self.index.add(&pack),
                Standing::Missing | Standing::Doubtful => Ok(()),
            })?;
        }
        Ok(true)
    }

    fn judge(&mut self, pack: &IndexedPack) -> Standing {
        let Some(object) = self.packs.get(&pack.id) else {
            self.missing_packs.insert(pack.id);
            return Standing::Missing;
        };
        if object.size != pack.size {
            self.altered_packs.insert(pack.id);
            return Standing::Doubtful;
        }
        if self.markers.contains_key(&pack.id) { Standing::Doubtful } else { Standing::Reliable }
    }

    /// Reads a chunk through the index of the survey, verified.
    pub(crate) fn chunk(&self, shared: &Shared, id: &ChunkId) -> Result<Bytes> {
        let place = self.index.find(id).ok_or(RepositoryError::MissingChunk { chunk: *id })?;
        let found = FoundBlock::of(&self.index, place.block);
        let key = (found.place.pack, found.place.number);
        let block = shared.cache.get(key, || found.read(shared))?;
        let data = block.slice(place.offset as usize..(place.offset + place.length) as usize);
        if shared.keys.chunk_id(&data) == *id {
            return Ok(data);
        }
        Err(RepositoryError::Damaged {
            object: found.place.pack.object_name().to_string(),
            offset: Some(found.place.offset.into()),
            chunk: Some(*id),
            reason: "a chunk does not match its id",
        })
    }
}

/// The bytes of an index object; `None` when it is gone.
fn read_object(shared: &Shared, id: &IndexId) -> Result<Option<Bytes>> {
    match shared.store.get(&id.object_name()) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind == StoreErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Whether an error is about what is stored, not about reaching it.
pub(crate) fn is_damage(error: &RepositoryError) -> bool {
    match error {
        RepositoryError::Damaged { .. }
        | RepositoryError::MissingChunk { .. }
        | RepositoryError::NotFound { .. }
        | RepositoryError::NewerFormat { .. } => true,
        RepositoryError::Store(error) => {
            matches!(error.kind, StoreErrorKind::NotFound | StoreErrorKind::OutOfRange)
        }
        _ => false,
    }
}

fn trashed(meta: &ObjectMeta) -> Option<ManifestId> {
    let digits = meta.name.as_str().strip_prefix(TRASH_FOLDER)?.strip_prefix('/')?;
    ManifestId::parse(digits).ok()
}

/// The present time by the clock of the store.
pub(crate) fn store_time(shared: &Shared) -> Result<Timestamp> {
    // An object that only serves to learn the time.
    let name = garbage::fresh_name(shared, "probe");
    shared.store.put(&name, b"probe")?;
    let meta = shared.store.head(&name)?;
    shared.store.delete(&name)?;
    meta.map(|meta| meta.modified)
        .ok_or_else(|| RepositoryError::NotFound { object: format!("probe {name}") })
}
