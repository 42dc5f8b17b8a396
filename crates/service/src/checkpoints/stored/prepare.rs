//! Writing large contents before their save enters the queue.

use std::collections::HashMap;
use std::sync::Arc;

use backstay_catalog::{ContentTable, StoredContentRow};
use backstay_model::{Caller, SnapshotId, Timestamp};
use backstay_repository::{ContentHint, Entry, ManifestId, Node, Repository, RepositoryError, WriterOptions};
use backstay_source_job::content::{ContentError, JobKey, Place, Reference};

use super::described::{Author, Described};
use super::load::{StoredContent, read};
use super::pieces::{Spot, large_pieces};
use crate::checkpoints::keyring::JobKeys;
use crate::checkpoints::queue::Work;
use crate::error::{Result, ServiceError};
use crate::service::{Service, blocking};

/// For how long a content that was written may wait for its transaction, in seconds.
pub(super) const STALE_S: f64 = 600.0;

/// How often a content is written again because a collection came between.
const ATTEMPTS: usize = 4;

/// The contents of a request that are in the repository already.
pub(crate) type PreparedContents = HashMap<Spot, Prepared>;

/// A content that is durable in the repository and waits for the row that refers to it.
#[derive(Debug, Clone)]
pub(crate) struct Prepared {
    key: Arc<JobKey>,
    reference: Reference,
    at: Timestamp,
    /// It was written for the request, and goes when the request is refused.
    fresh: bool,
}

impl Prepared {
    fn fresh(key: Arc<JobKey>, raw: &[u8], manifest: ManifestId, at: Timestamp) -> Self {
        let reference = Reference::new(&key, raw, *manifest.as_bytes());
        Self { key, reference, at, fresh: true }
    }

    /// One that lay in the repository before, under `manifest`.
    pub(crate) fn found(key: Arc<JobKey>, raw: &[u8], manifest: ManifestId, now: Timestamp) -> Self {
        Self { fresh: false, ..Self::fresh(key, raw, manifest, now) }
    }

    /// Whether it goes when its request is refused.
    pub(crate) const fn is_fresh(&self) -> bool {
        self.fresh
    }

    /// The body of the row that refers to it.
    pub(crate) fn seal(&self, place: Place, nonce: [u8; 12]) -> Vec<u8> {
        self.key.seal(place, &self.reference.encode(), nonce)
    }

    /// The row that keeps it.
    pub(crate) fn row(&self, job: i64, holder: ContentTable, number: i64) -> StoredContentRow {
        StoredContentRow { manifest: self.manifest().to_string(), job, holder, number }
    }

    /// The root manifest.
    pub(crate) fn manifest(&self) -> ManifestId {
        ManifestId::from_bytes(*self.reference.manifest())
    }

    /// Whether it waited for so long that it may be taken for what a crash left.
    pub(crate) fn is_stale(&self, now: Timestamp) -> bool {
        now.seconds_since(self.at).abs() > STALE_S
    }
}

impl Service {
    /// Writes the large contents of `work` to the repository, where they are durable when this returns. What is written and
    /// never referred to is removed after a while.
    pub(in crate::checkpoints) async fn prepare(
        &self,
        caller: &Caller,
        project: &str,
        work: &Work,
    ) -> Result<PreparedContents> {
        if large_pieces(&caller.tenant, project, work).is_empty() {
            return Ok(PreparedContents::new());
        }
        let _turn = self.large_turn().await?;
        let scribe = self.scribe(caller).await?;
        let (tenant, project, work) = (caller.tenant.clone(), project.to_owned(), work.clone());
        blocking("store a state", move || {
            let mut prepared = PreparedContents::new();
            for piece in large_pieces(&tenant, &project, &work) {
                match scribe.write(&piece.described, piece.raw) {
                    Ok(written) => drop(prepared.insert(piece.spot, written)),
                    Err(error) => {
                        scribe.take_back(prepared.values());
                        return Err(error);
                    }
                }
            }
            Ok(prepared)
        })
        .await
    }

    /// Copies contents for another row each, by the numbers of their rows; what is damaged ends it.
    pub(crate) async fn copy_contents(
        &self,
        caller: &Caller,
        described: Described,
        wanted: Vec<StoredContent>,
    ) -> Result<Result<HashMap<i64, Prepared>, ContentError>> {
        let _turn = self.large_turn().await?;
        let scribe = self.scribe(caller).await?;
        blocking("copy a state", move || {
            let mut copies = HashMap::with_capacity(wanted.len());
            for stored in &wanted {
                match read(&scribe.repository, described.holder, stored)? {
                    Ok(content) => {
                        drop(copies.insert(stored.number, scribe.write(&described, &content.raw)?));
                    }
                    Err(cause) => {
                        scribe.take_back(copies.values());
                        return Ok(Err(cause));
                    }
                }
            }
            Ok(Ok(copies))
        })
        .await
    }

    /// What writes contents on behalf of `caller`.
    pub(super) async fn scribe(&self, caller: &Caller) -> Result<Scribe> {
        let ring = self.keyring().await?;
        Ok(Scribe {
            repository: self.repository().await?,
            author: Author {
                catalog: ring.fingerprint(),
                host: self.settings().host.clone(),
                actor: caller.actor.name.clone(),
            },
            ring,
            service: self.clone(),
        })
    }

    /// Waits until not too many large contents are being written.
    pub(super) async fn large_turn(&self) -> Result<tokio::sync::SemaphorePermit<'_>> {
        let turns = &self.saving().large_writers;
        turns.acquire().await.map_err(|error| ServiceError::internal("Could not store a state", error))
    }
}

/// Writes contents; blocks.
pub(super) struct Scribe {
    repository: Repository,
    ring: crate::checkpoints::keyring::Keyring,
    author: Author,
    service: Service,
}

impl Scribe {
    /// Makes `raw` durable in the repository.
    pub(super) fn write(&self, described: &Described, raw: &[u8]) -> Result<Prepared> {
        let at = self.service.now();
        let id = SnapshotId::generate(at, &**self.service.rng());
        let mut attempt = 1;
        let manifest = loop {
            match self.write_once(described, &id, at, raw) {
                Err(RepositoryError::Collected { .. }) if attempt < ATTEMPTS => attempt += 1,
                outcome => break outcome?,
            }
        };
        let keys = JobKeys::new(
            Arc::clone(&self.ring),
            described.tenant.as_str(),
            &described.project,
            &described.job,
        );
        Ok(Prepared::fresh(keys.newest(), raw, manifest, at))
    }

    fn write_once(
        &self,
        described: &Described,
        id: &SnapshotId,
        at: Timestamp,
        raw: &[u8],
    ) -> Result<ManifestId, RepositoryError> {
        let writer = self.repository.writer(WriterOptions::default())?;
        let mut lane = writer.lane();
        let content = lane.store_bytes(raw, ContentHint::Stream)?;
        let file = Entry {
            mode: 0o600,
            mtime_ns: at.as_micros().saturating_mul(1000),
            ..Entry::new(described.file(), Node::File { content })
        };
        let root = lane.store_directory(&[file])?;
        drop(lane);
        Ok(writer.finish(described.manifest(&self.author, id, at, root, raw.len()))?.id)
    }

    /// Removes what was written for a save that failed; what is left is found later.
    fn take_back<'p>(&self, written: impl Iterator<Item = &'p Prepared>) {
        for prepared in written {
            if let Err(error) = self.repository.delete_manifest(&prepared.manifest()) {
                tracing::warn!(%error, "a state that was not saved stays in the repository for now");
            }
        }
    }
}
