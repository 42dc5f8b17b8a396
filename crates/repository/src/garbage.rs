//! Markers of packs that a collection is about to remove: `garbage/<pack id>`.
//!
//! A collection marks a pack that nothing references, waits for one grace period, looks again, and removes the pack
//! if still nothing references it. A capture that began after the mark stores chunks of such a pack again; one that
//! began before it either commits within the grace period, and is seen by the second look, or reads the markers again
//! before it commits.

use std::collections::HashSet;

use backstay_store::{ObjectName, Store};

use crate::error::Result;
use crate::id::PackId;

/// The folder of the markers.
pub(crate) const FOLDER: &str = "garbage";

/// The name of the marker of a pack.
pub(crate) fn marker_name(pack: &PackId) -> ObjectName {
    ObjectName::parse(&format!("{FOLDER}/{pack}"))
        .expect("a folder and hexadecimal digits are an object name")
}

/// The pack that a marker is about; `None` when it is no marker.
pub(crate) fn marked_pack(name: &ObjectName) -> Option<PackId> {
    PackId::parse(name.as_str().strip_prefix("garbage/")?).ok()
}

/// Every marked pack.
pub(crate) fn marked(store: &dyn Store) -> Result<HashSet<PackId>> {
    let mut packs = HashSet::new();
    store.list(FOLDER, &mut |meta| {
        packs.extend(marked_pack(&meta.name));
        true
    })?;
    Ok(packs)
}
