//! The manifest and the reader behind a snapshot's row.

use backstay_catalog::SnapshotRow;
use backstay_model::{ErrorKind, SnapshotState};
use backstay_repository::{Manifest, ManifestId, Reader, RepositoryError};

use crate::error::{Result, ServiceError};
use crate::lazy_repository::LazyRepository;

/// Where the content of a ready snapshot is.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    lazy: LazyRepository,
    id: ManifestId,
}

/// The content of a snapshot, opened.
pub(crate) struct OpenedSnapshot {
    pub(crate) manifest: Manifest,
    pub(crate) reader: Reader,
}

impl Stored {
    /// Where the content of `row` is; `Conflict` unless the snapshot is ready.
    pub(crate) fn of(row: &SnapshotRow, lazy: &LazyRepository) -> Result<Self> {
        let id = row.manifest_id.as_deref().and_then(|id| ManifestId::parse(id).ok());
        match (row.state, id) {
            (SnapshotState::Ready, Some(id)) => Ok(Self { lazy: lazy.clone(), id }),
            (SnapshotState::Ready, None) => Err(ServiceError::new(
                ErrorKind::Damaged,
                format!("The content of snapshot {} is unknown", row.id),
            )),
            (state, _) => Err(ServiceError::conflict(format!("Snapshot is {state}"))),
        }
    }

    /// Opens it; blocks.
    pub(crate) fn open(&self) -> Result<OpenedSnapshot> {
        let repository = self.lazy.get()?;
        let manifest = repository.read_manifest(&self.id).map_err(|error| match error {
            RepositoryError::NotFound { .. } => ServiceError::new(
                ErrorKind::Damaged,
                "The content of the snapshot is missing from the repository",
            )
            .hint("run `backstay verify --all`")
            .because(error),
            error => error.into(),
        })?;
        let reader = repository.reader();
        Ok(OpenedSnapshot { manifest, reader })
    }
}
