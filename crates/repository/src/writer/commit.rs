//! The end of a capture: packs, index, manifest, in this order.

use std::collections::HashSet;
use std::time::Duration;

use crate::error::{RepositoryError, Result};
use crate::id::ChunkId;
use crate::manifest::Manifest;
use crate::reader::{ChunkRole, walk};
use crate::tree::DirectoryRef;
use crate::writer::Writer;
use crate::writer::options::Receipt;

/// How often content is protected again from a collector before the capture gives up.
const ATTEMPTS: usize = 8;

pub(crate) fn commit(writer: &Writer, mut manifest: Manifest) -> Result<Receipt> {
    let session = &writer.session;
    session.flush(&writer.finisher)?;
    let grace = Duration::from_secs(session.shared.config.collect_grace_seconds);
    // Without a grace period nobody promised to leave anything alone, and nothing can be checked against it.
    let is_old = |limit: Duration| !grace.is_zero() && session.marked_at.lock().elapsed() > limit;
    if is_old(grace / 2) {
        protect(writer, &manifest.root)?;
    }
    let stats = session.stats();
    manifest.new_bytes = stats.new_bytes;
    manifest.stored_bytes = stats.stored_bytes;
    session.options.cancel.check()?;
    let id = writer.repository.write_manifest(&manifest)?;
    // A collector that looked before the manifest was there may act on what it saw one grace period after the
    // markers were read, not earlier.
    let mut attempts = 0;
    while is_old(grace) {
        attempts += 1;
        let result =
            if attempts < ATTEMPTS { protect(writer, &manifest.root) } else { gave_up(&manifest.root) };
        if let Err(error) = result {
            writer.repository.delete_manifest(&id)?;
            return Err(error);
        }
    }
    Ok(Receipt { id, manifest, stats: session.stats() })
}

fn gave_up(root: &DirectoryRef) -> Result<()> {
    Err(RepositoryError::Collected { chunk: root.id() })
}

/// Stores again what the snapshot references in packs that a collection has marked since the capture began.
fn protect(writer: &Writer, root: &DirectoryRef) -> Result<()> {
    let session = &writer.session;
    session.read_markers_again()?;
    let reader = writer.reader();
    let mut seen: HashSet<ChunkId> = HashSet::new();
    let mut endangered = Vec::new();
    let collected = |error: RepositoryError| match error {
        RepositoryError::MissingChunk { chunk } => RepositoryError::Collected { chunk },
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
