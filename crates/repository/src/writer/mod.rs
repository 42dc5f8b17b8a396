//! Writing: a capture session, its lanes, and the commit.

mod commit;
mod finisher;
mod lane;
mod large;
mod options;
mod random_access;
mod segments;
mod session;

use std::sync::Arc;

pub use lane::Lane;
pub use options::{Receipt, WriteStats, WriterOptions};
pub use random_access::RandomAccess;

use crate::damage_notes;
use crate::error::{RepositoryError, Result};
use crate::id::ChunkId;
use crate::manifest::Manifest;
use crate::reader::Reader;
use crate::repository::Repository;
use crate::writer::finisher::{Finisher, PackSink};
use crate::writer::session::Session;

/// A capture session. It is shared between threads; each stores through a [`Lane`] of its own.
///
/// Nothing of it is visible until [`Writer::finish`]. Dropping it leaves packs that nothing references; they serve a
/// repetition of the capture, and a collection removes them after the grace period.
#[derive(Debug)]
pub struct Writer {
    repository: Repository,
    parent: Option<Manifest>,
    session: Arc<Session>,
    finisher: Finisher,
}

impl Writer {
    pub(crate) fn begin(repository: &Repository, options: WriterOptions) -> Result<Self> {
        let parent_id = options.parent;
        let session = Arc::new(Session::begin(Arc::clone(&repository.shared), options)?);
        // After the markers: what the parent references now stays for a grace period, whoever deletes the parent.
        let store = &repository.shared.store;
        let parent_id = match parent_id {
            Some(id) if damage_notes::is_noted(&**store, &id)? => None,
            parent_id => parent_id,
        };
        let parent = match parent_id.map(|id| repository.read_manifest(&id)) {
            // Without a parent the capture reads more and is as good.
            None | Some(Err(RepositoryError::NotFound { .. } | RepositoryError::Damaged { .. })) => None,
            Some(result) => Some(result?),
        };
        let finisher = Finisher::new(Arc::clone(&session) as Arc<dyn PackSink>);
        Ok(Self { repository: repository.clone(), parent, session, finisher })
    }

    /// The parent of [`WriterOptions::parent`], when it still exists. Content and directories that are reached from
    /// its root may be referenced without being stored again.
    pub fn parent(&self) -> Option<&Manifest> {
        self.parent.as_ref()
    }

    /// A lane for the calling thread.
    pub fn lane(&self) -> Lane<'_> {
        Lane::new(self)
    }

    /// A reader of the repository, for example of the parent's tree.
    pub fn reader(&self) -> Reader {
        self.repository.reader()
    }

    /// The id that a chunk of these bytes has; nothing is stored.
    pub fn chunk_id(&self, data: &[u8]) -> ChunkId {
        self.session.shared.keys.chunk_id(data)
    }

    /// What was written so far.
    pub fn stats(&self) -> WriteStats {
        self.session.stats()
    }

    /// The options of the session.
    pub fn options(&self) -> &WriterOptions {
        &self.session.options
    }

    /// Makes everything durable that any lane was given, so that the index knows it; commits nothing.
    pub(crate) fn flush(&self) -> Result<()> {
        self.session.flush(&self.finisher)
    }

    /// Whether a chunk is stored where no collection is about to remove it.
    pub(crate) fn is_stored(&self, id: &ChunkId) -> bool {
        self.session.is_stored(id)
    }

    /// Commits the capture: makes the packs durable, then the index, then the manifest.
    ///
    /// When it returns, the snapshot can be restored from the repository alone. After an error there is no manifest.
    /// `new_bytes` and `stored_bytes` of the manifest are set here.
    pub fn finish(self, manifest: Manifest) -> Result<Receipt> {
        commit::commit(&self, manifest)
    }
}
