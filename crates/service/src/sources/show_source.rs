//! One source.

use crate::error::{Result, ServiceError};
use crate::service::Service;
use crate::view::Source;
use backstay_model::{Caller, SourceId};

impl Service {
    /// Shows a source, with its number of snapshots.
    pub async fn show_source(&self, caller: &Caller, id: &SourceId) -> Result<Source> {
        let _ = (self, caller, id);
        Err(ServiceError::unfinished("show_source"))
    }
}
