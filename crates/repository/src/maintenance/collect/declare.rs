//! Before the survey: telling captures which packs may be removed.

use std::collections::HashSet;

use backstay_store::{ObjectMeta, ObjectName};

use super::times::Times;
use crate::error::Result;
use crate::garbage::{Listing, declare_sweep, read_sweep};
use crate::id::PackId;
use crate::repository::Shared;

/// What this collection and earlier ones have told.
#[derive(Debug)]
pub(super) struct Declared {
    /// The packs that this collection may remove: they were marked a grace period ago.
    pub(super) packs: HashSet<PackId>,
    /// Under which name it has told so.
    pub(super) name: Option<ObjectName>,
    /// Sweeps that no capture has to find any more.
    pub(super) expired: Vec<ObjectName>,
}

impl Declared {
    /// Tells which packs may be removed. Everything that decides about them is read after that: a capture whose manifest
    /// is not seen then sees what was told.
    pub(super) fn tell(shared: &Shared, times: &Times) -> Result<Self> {
        let listing = Listing::read(&*shared.store)?;
        let is_expired = |sweep: &ObjectMeta| times.age(sweep.modified) >= times.telling_time();
        let expired = listing.sweeps.into_iter().filter(is_expired).map(|sweep| sweep.name).collect();
        let marked: HashSet<PackId> = listing
            .marks
            .into_iter()
            .filter(|(_, mark)| times.age(mark.modified) >= times.waiting_time())
            .map(|(pack, _)| pack)
            .collect();
        let packs = existing(shared, &marked)?;
        let name = if packs.is_empty() { None } else { Some(declare_sweep(shared, &packs)?) };
        Ok(Self { packs, name, expired })
    }

    /// Packs that others have told of by now. The marks of these stay: whoever told may be about to remove the pack, even
    /// if something is seen now that references it.
    pub(super) fn told_by_others(&self, shared: &Shared) -> Result<HashSet<PackId>> {
        let mut packs = HashSet::new();
        for sweep in Listing::read(&*shared.store)?.sweeps {
            if self.name.as_ref() != Some(&sweep.name) && !self.expired.contains(&sweep.name) {
                packs.extend(read_sweep(&*shared.store, &sweep.name)?);
            }
        }
        Ok(packs)
    }
}

/// Those packs that are there; marks outlive their packs.
fn existing(shared: &Shared, packs: &HashSet<PackId>) -> Result<HashSet<PackId>> {
    let mut found = HashSet::new();
    if !packs.is_empty() {
        shared.store.list(PackId::FOLDER, &mut |meta| {
            found.extend(PackId::from_object_name(&meta.name).filter(|pack| packs.contains(pack)));
            true
        })?;
    }
    Ok(found)
}
