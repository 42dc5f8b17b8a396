//! Reading contents from the repository.

use std::sync::Arc;

use backstay_catalog::ContentTable;
use backstay_model::ErrorKind;
use backstay_repository::{ManifestId, Repository, RepositoryError};
use backstay_source_job::content::{Chain, ContentError, JobKey, Reference};

use super::described::{STATE_FILE, VALUE_FILE};
use crate::checkpoints::Content;
use crate::checkpoints::contents::Contents;
use crate::error::Result;
use crate::service::{Service, blocking};

/// A content that lies in the repository, as its row tells.
#[derive(Debug, Clone)]
pub(crate) struct StoredContent {
    /// The number of the row.
    pub(crate) number: i64,
    /// The key under which the reference was sealed.
    pub(crate) key: Arc<JobKey>,
    pub(crate) reference: Reference,
}

impl Service {
    /// Reads contents from the repository; those that are damaged there with the reason. A repository that cannot be reached is
    /// an error.
    pub(in crate::checkpoints) async fn load_contents(
        &self,
        table: ContentTable,
        wanted: Vec<StoredContent>,
    ) -> Result<Contents> {
        if wanted.is_empty() {
            return Ok(Contents::new());
        }
        let repository = self.repository().await?;
        let found = blocking("read a state", move || {
            let mut found = Contents::new();
            for stored in &wanted {
                found.insert(stored.number, read(&repository, table, stored)?);
            }
            Ok(found)
        })
        .await?;
        let mut cache = self.saving().cache.lock();
        for (number, content) in
            found.iter().filter_map(|(number, content)| Some((number, content.as_ref().ok()?)))
        {
            cache.insert(table, *number, content.clone());
        }
        Ok(found)
    }
}

/// Reads one content and checks its hash; blocks.
pub(super) fn read(
    repository: &Repository,
    table: ContentTable,
    stored: &StoredContent,
) -> Result<Result<Content, ContentError>> {
    let id = ManifestId::from_bytes(*stored.reference.manifest());
    match read_file(repository, table, &id, stored.reference.length()) {
        Ok(Some(raw)) => {
            let checked = stored.reference.check(&stored.key, &raw);
            Ok(checked.map(|()| Content { raw: Arc::new(raw), chain: Chain::default() }))
        }
        Ok(None) => Ok(Err(ContentError::Damaged)),
        Err(error) if matches!(error.kind(), ErrorKind::Damaged | ErrorKind::NotFound) => {
            tracing::warn!(%error, manifest = %id, "a content of a job is damaged in the repository");
            Ok(Err(ContentError::Damaged))
        }
        Err(error) => Err(error.into()),
    }
}

/// The bytes under a root manifest; `None` when it does not hold a content of this length.
fn read_file(
    repository: &Repository,
    table: ContentTable,
    id: &ManifestId,
    length: usize,
) -> Result<Option<Vec<u8>>, RepositoryError> {
    let manifest = repository.read_manifest(id)?;
    let reader = repository.reader();
    let name = match table {
        ContentTable::Checkpoints => STATE_FILE,
        ContentTable::Values => VALUE_FILE,
    };
    let entry = reader.lookup(&manifest.root, name.as_bytes())?;
    match entry.as_ref().and_then(|entry| entry.content()) {
        Some(content) if content.length() == length as u64 => {
            reader.read_all(content, length as u64).map(Some)
        }
        _ => Ok(None),
    }
}
