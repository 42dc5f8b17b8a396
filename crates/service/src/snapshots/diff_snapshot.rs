//! What differs.

use crate::error::{Result, ServiceError};
use crate::page::PageRequest;
use crate::service::Service;
use crate::view::{Against, ChangePage, DiffOptions};
use backstay_model::{Caller, SnapshotId};

impl Service {
    /// Compares a snapshot with another one, or with the live tree, in the order of the paths.
    ///
    /// The pages of one comparison with the live tree may disagree when the tree changes meanwhile.
    pub async fn diff_snapshot(
        &self,
        caller: &Caller,
        id: &SnapshotId,
        against: &Against,
        options: &DiffOptions,
        page: &PageRequest,
    ) -> Result<ChangePage> {
        let _ = (self, caller, id, against, options, page);
        Err(ServiceError::unfinished("diff_snapshot"))
    }
}
