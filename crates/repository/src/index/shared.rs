//! The index of an opened repository: loaded when first needed, shared by all threads, brought up to date on demand.

use std::collections::HashSet;

use backstay_store::{Store, StoreErrorKind};
use parking_lot::{RwLock, RwLockReadGuard};

use crate::crypto::Subkeys;
use crate::error::{RepositoryError, Result};
use crate::id::{IndexId, PackId};
use crate::index::memory::Index;
use crate::index::object::{IndexedPack, decode_index};
use crate::object::{self, ObjectKind};
use crate::wire::Malformed;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct SharedIndex {
    state: RwLock<State>,
}

#[derive(Debug, Default)]
struct State {
    index: Index,
    loaded: HashSet<IndexId>,
    complete: bool,
    /// Packs that an index object tells of and that were found missing.
    absent: HashSet<PackId>,
}

impl SharedIndex {
    /// The index as it is known now. [`SharedIndex::load`] has made it known at all.
    pub(crate) fn read(&self) -> impl std::ops::Deref<Target = Index> + '_ {
        RwLockReadGuard::map(self.state.read(), |state| &state.index)
    }

    /// Loads the index unless it was loaded before.
    pub(crate) fn load(&self, store: &dyn Store, keys: &Subkeys) -> Result<()> {
        if self.state.read().complete { Ok(()) } else { self.refresh(store, keys) }
    }

    /// Brings the index up to date with the store: packs of new index objects are added; when index objects are gone,
    /// because a collection replaced them, everything is read anew.
    pub(crate) fn refresh(&self, store: &dyn Store, keys: &Subkeys) -> Result<()> {
        // Index objects may be replaced between the listing and the reading: then the listing is repeated.
        for _ in 0..8 {
            let listed = list(store)?;
            let mut state = self.state.write();
            if !state.loaded.is_subset(&listed) {
                *state = State { absent: std::mem::take(&mut state.absent), ..State::default() };
            }
            let mut vanished = false;
            for id in listed {
                if state.loaded.contains(&id) {
                    continue;
                }
                match store.get(&id.object_name()) {
                    Ok(bytes) => state.add(keys, id, &bytes)?,
                    Err(error) if error.kind == StoreErrorKind::NotFound => vanished = true,
                    Err(error) => return Err(error.into()),
                }
            }
            if !vanished {
                state.complete = true;
                return Ok(());
            }
        }
        Err(RepositoryError::NotFound { object: "index object that stays while it is read".to_owned() })
    }

    /// Makes chunks that lie in several packs be found outside of these packs, where they lie elsewhere, too.
    pub(crate) fn prefer_outside(&self, packs: &HashSet<PackId>) {
        if !packs.is_empty() {
            self.state.write().index.prefer_outside(packs);
        }
    }

    /// Leaves out packs that are missing from the store, so that copies of their chunks in other packs are found.
    /// False when none was found missing that was not before.
    pub(crate) fn leave_out_missing_packs(&self, store: &dyn Store, keys: &Subkeys) -> Result<bool> {
        // Packs were durable before they became known, so those that are known before the listing are in it.
        let mut missing: HashSet<PackId> = self.state.read().index.packs().map(|(id, ..)| id).collect();
        store.list(PackId::FOLDER, &mut |meta| {
            if let Some(id) = PackId::from_object_name(&meta.name) {
                missing.remove(&id);
            }
            true
        })?;
        if missing.is_empty() {
            return Ok(false);
        }
        {
            let mut state = self.state.write();
            missing.extend(std::mem::take(&mut state.absent));
            *state = State { absent: missing, ..State::default() };
        }
        self.refresh(store, keys)?;
        Ok(true)
    }

    /// Adds the packs of an index object that this process has just written.
    pub(crate) fn register(&self, id: IndexId, packs: &[IndexedPack]) -> Result<()> {
        let mut state = self.state.write();
        packs.iter().try_for_each(|pack| state.index.add(pack))?;
        state.loaded.insert(id);
        Ok(())
    }
}

impl State {
    fn add(&mut self, keys: &Subkeys, id: IndexId, bytes: &[u8]) -> Result<()> {
        let Self { index, absent, .. } = self;
        read_index(
            keys,
            id,
            bytes,
            |pack| if absent.contains(&pack.id) { Ok(()) } else { index.add(&pack) },
        )?;
        self.loaded.insert(id);
        Ok(())
    }
}

/// The ids of all index objects.
pub(crate) fn list(store: &dyn Store) -> Result<HashSet<IndexId>> {
    let mut listed = HashSet::new();
    store.list(IndexId::FOLDER, &mut |meta| {
        listed.extend(IndexId::from_object_name(&meta.name));
        true
    })?;
    Ok(listed)
}

/// Opens an index object and hands over its packs.
pub(crate) fn read_index(
    keys: &Subkeys,
    id: IndexId,
    bytes: &[u8],
    mut visit: impl FnMut(IndexedPack) -> Result<()>,
) -> Result<()> {
    enum Stop {
        Malformed(Malformed),
        Failed(RepositoryError),
    }
    impl From<Malformed> for Stop {
        fn from(error: Malformed) -> Self {
            Self::Malformed(error)
        }
    }
    let name = id.object_name();
    let plain = object::open(keys, &name, id.as_bytes(), ObjectKind::Index, bytes)?;
    decode_index(&plain, |pack| visit(pack).map_err(Stop::Failed)).map_err(|stop| match stop {
        Stop::Malformed(Malformed(reason)) => RepositoryError::damaged(&name, reason),
        Stop::Failed(error) => error,
    })
}
