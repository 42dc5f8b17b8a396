//! Takes a source out of care.

use crate::error::{Result, ServiceError};
use crate::service::Service;
use backstay_model::{Caller, SourceId};

impl Service {
    /// Removes a source that has no snapshots left; its files are not touched. `Conflict` while it has some.
    pub async fn remove_source(&self, caller: &Caller, id: &SourceId) -> Result<()> {
        let _ = (self, caller, id);
        Err(ServiceError::unfinished("remove_source"))
    }
}
