//! Notes of snapshots that have lost something: `damaged/<manifest id>`.
//!
//! A capture that takes a snapshot for its parent does not read files that are unchanged, and would take over what is
//! lost. A repair leaves a note, and a capture does not use a noted snapshot as its parent.

use std::collections::BTreeSet;

use backstay_store::{ObjectName, Store};

use crate::error::Result;
use crate::id::ManifestId;

const FOLDER: &str = "damaged";

fn name(id: &ManifestId) -> ObjectName {
    ObjectName::parse(&format!("{FOLDER}/{id}")).expect("a folder and hexadecimal digits are an object name")
}

/// Whether a snapshot was found to have lost something.
pub(crate) fn is_noted(store: &dyn Store, id: &ManifestId) -> Result<bool> {
    Ok(store.head(&name(id))?.is_some())
}

/// Notes these snapshots, and no others.
pub(crate) fn replace(store: &dyn Store, lost: &BTreeSet<ManifestId>) -> Result<()> {
    for id in lost {
        store.put(&name(id), b"damaged")?;
    }
    let mut obsolete = Vec::new();
    store.list(FOLDER, &mut |meta| {
        let digits = meta.name.as_str().strip_prefix(FOLDER).and_then(|rest| rest.strip_prefix('/'));
        if digits.and_then(|digits| ManifestId::parse(digits).ok()).is_some_and(|id| !lost.contains(&id)) {
            obsolete.push(meta.name);
        }
        true
    })?;
    Ok(store.delete_many(&obsolete)?)
}
