//! What collections tell writers about packs, as objects below `garbage/`.
//!
//! - A **mark**, `garbage/<pack id>`: nothing references the pack now. A capture that begins after the mark stores again
//!   what it needs of the pack; one that began before it may rely on the pack.
//! - A **sweep**, `garbage/sweep-<16 digits>`: a collection is about to remove these packs, if it finds that nothing
//!   references them. It is written before that collection looks for manifests, and a capture looks for sweeps after
//!   its manifest is there: so the collection sees the manifest, or the capture sees the sweep. No clock takes part.

use std::collections::HashSet;

use backstay_store::{ObjectMeta, ObjectName, Store, StoreErrorKind};

use crate::error::Result;
use crate::id::{PackId, encode_hex};
use crate::repository::Shared;

/// The folder of marks and sweeps.
pub(crate) const FOLDER: &str = "garbage";

/// The length of an id in a sweep.
const ID_BYTES: usize = 32;

/// The name of the mark of a pack.
pub(crate) fn marker_name(pack: &PackId) -> ObjectName {
    ObjectName::parse(&format!("{FOLDER}/{pack}"))
        .expect("a folder and hexadecimal digits are an object name")
}

/// The pack that a mark is about; `None` when it is no mark.
pub(crate) fn marked_pack(name: &ObjectName) -> Option<PackId> {
    PackId::parse(name.as_str().strip_prefix("garbage/")?).ok()
}

fn is_sweep(name: &ObjectName) -> bool {
    name.as_str().strip_prefix("garbage/sweep-").is_some()
}

/// A fresh name below `garbage/`.
pub(crate) fn fresh_name(shared: &Shared, word: &str) -> ObjectName {
    let mut number = [0; 8];
    shared.rng.fill(&mut number);
    ObjectName::parse(&format!("{FOLDER}/{word}-{}", encode_hex(&number)))
        .expect("a folder, a word and hexadecimal digits are an object name")
}

/// Tells that these packs are about to be removed.
pub(crate) fn declare_sweep(shared: &Shared, packs: &HashSet<PackId>) -> Result<ObjectName> {
    let name = fresh_name(shared, "sweep");
    let mut ids: Vec<&PackId> = packs.iter().collect();
    ids.sort_unstable();
    let content: Vec<u8> = ids.into_iter().flat_map(|pack| *pack.as_bytes()).collect();
    shared.store.put(&name, &content)?;
    Ok(name)
}

/// The packs of a sweep; none when it is gone. Bytes after the last whole id count for nothing.
pub(crate) fn read_sweep(store: &dyn Store, name: &ObjectName) -> Result<Vec<PackId>> {
    match store.get(name) {
        Ok(content) => Ok(sweep_packs(&content)),
        Err(error) if error.kind == StoreErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

pub(crate) fn sweep_packs(content: &[u8]) -> Vec<PackId> {
    content.as_chunks::<ID_BYTES>().0.iter().map(|id| PackId::from_bytes(*id)).collect()
}

/// Everything below `garbage/`, and when it was written.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    pub(crate) marks: Vec<(PackId, ObjectMeta)>,
    pub(crate) sweeps: Vec<ObjectMeta>,
}

impl Listing {
    pub(crate) fn read(store: &dyn Store) -> Result<Self> {
        let mut listing = Self::default();
        store.list(FOLDER, &mut |meta| {
            if let Some(pack) = marked_pack(&meta.name) {
                listing.marks.push((pack, meta));
            } else if is_sweep(&meta.name) {
                listing.sweeps.push(meta);
            }
            true
        })?;
        Ok(listing)
    }
}

/// What a capture must not rely on, as known at one time.
#[derive(Debug, Default)]
pub(crate) struct Endangered {
    /// Packs that are marked or about to be removed.
    pub(crate) packs: HashSet<PackId>,
    /// The sweeps that were there.
    sweeps: HashSet<ObjectName>,
}

impl Endangered {
    pub(crate) fn read(store: &dyn Store) -> Result<Self> {
        let listing = Listing::read(store)?;
        let mut packs: HashSet<PackId> = listing.marks.into_iter().map(|(pack, _)| pack).collect();
        for sweep in &listing.sweeps {
            packs.extend(read_sweep(store, &sweep.name)?);
        }
        Ok(Self { packs, sweeps: listing.sweeps.into_iter().map(|sweep| sweep.name).collect() })
    }

    /// Whether a collection has told since of packs that it is about to remove.
    pub(crate) fn is_outdated(&self, store: &dyn Store) -> Result<bool> {
        let listing = Listing::read(store)?;
        Ok(listing.sweeps.iter().any(|sweep| !self.sweeps.contains(&sweep.name)))
    }
}
