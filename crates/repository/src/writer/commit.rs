//! The end of a capture: packs, index, manifest, in this order; and the agreement with collections.
//!
//! A collection tells which packs it is about to remove before it looks for manifests; a capture looks for what
//! collections told after its manifest is there. One of the two sees the other, whatever their clocks show. A capture that
//! sees such a sweep stores again what it needs of the packs, or fails and takes its manifest back.
//!
//! The same check before the manifest is written is for captures that are broken off between the manifest and the last
//! check: what is left then has been checked a moment before.

use std::collections::HashSet;

use backstay_store::{ObjectName, Store};

use crate::error::{RepositoryError, Result};
use crate::id::ChunkId;
use crate::manifest::Manifest;
use crate::reader::{ChunkRole, walk};
use crate::tree::DirectoryRef;
use crate::writer::Writer;
use crate::writer::options::Receipt;

/// How often content is protected again from collections before the capture gives up.
const ATTEMPTS: usize = 8;

pub(crate) fn commit(writer: &Writer, mut manifest: Manifest) -> Result<Receipt> {
    let session = &writer.session;
    session.flush(&writer.finisher)?;
    settle(writer, &manifest.root)?;
    let stats = session.stats();
    manifest.new_bytes = stats.new_bytes;
    manifest.stored_bytes = stats.stored_bytes;
    session.options.cancel.check()?;
    let id = writer.repository.write_manifest(&manifest)?;
    if let Err(error) = settle(writer, &manifest.root) {
        writer.repository.delete_manifest(&id)?;
        return Err(error);
    }
    Ok(Receipt { id, manifest, stats: session.stats() })
}

/// Makes sure that no collection removes what the snapshot references, as far as they have told by now.
fn settle(writer: &Writer, root: &DirectoryRef) -> Result<()> {
    let session = &writer.session;
    for _ in 0..ATTEMPTS {
        let told = session.endangered.read().is_outdated(&*session.shared.store)?;
        // Asked after the listing, which may take long.
        if !told && !session.is_late() {
            return Ok(());
        }
        protect(writer, root)?;
    }
    Err(RepositoryError::Collected { chunk: root.id() })
}

/// Stores again what the snapshot references in packs that collections have marked, or are about to remove.
fn protect(writer: &Writer, root: &DirectoryRef) -> Result<()> {
    let session = &writer.session;
    session.read_garbage_again()?;
    let reader = writer.reader();
    let mut seen: HashSet<ChunkId> = HashSet::new();
    let mut endangered = Vec::new();
    let store = &*session.shared.store;
    let collected = |error: RepositoryError| match error {
        RepositoryError::MissingChunk { chunk } => RepositoryError::Collected { chunk },
        RepositoryError::Damaged { object, chunk: Some(chunk), .. } if is_gone(store, &object) => {
            RepositoryError::Collected { chunk }
        }
        error => error,
    };
    walk(&reader, root, &mut |id, role| {
        session.options.cancel.check()?;
        let is_new = seen.insert(id);
        if is_new && !session.is_stored(&id) {
            endangered.push((id, role));
        }
        Ok(is_new)
    })
    .map_err(collected)?;
    if endangered.is_empty() {
        return Ok(());
    }
    let mut lane = writer.lane();
    for (id, role) in endangered {
        let data = reader.chunk(&id).map_err(collected)?;
        match role {
            ChunkRole::Page => lane.add_page(&data)?,
            ChunkRole::Data => lane.add(&data, crate::ContentHint::Auto)?,
        };
    }
    drop(lane);
    session.flush(&writer.finisher)
}

fn is_gone(store: &dyn Store, object: &str) -> bool {
    ObjectName::parse(object).is_ok_and(|name| matches!(store.head(&name), Ok(None)))
}
