//! Changes what is known of a source.

use crate::error::{Result, ServiceError};
use crate::service::Service;
use crate::view::{Source, SourceChange};
use backstay_model::{Caller, SourceId};

impl Service {
    /// Changes the name or the retention rules.
    pub async fn update_source(
        &self,
        caller: &Caller,
        id: &SourceId,
        change: SourceChange,
    ) -> Result<Source> {
        let _ = (self, caller, id, change);
        Err(ServiceError::unfinished("update_source"))
    }
}
