//! How much is kept and what it costs.

use crate::error::{Result, ServiceError};
use crate::service::Service;
use crate::view::Statistics;
use backstay_model::{Caller, SourceId};

impl Service {
    /// Counts what the caller sees, or one source of it.
    pub async fn statistics(&self, caller: &Caller, source: Option<&SourceId>) -> Result<Statistics> {
        let _ = (self, caller, source);
        Err(ServiceError::unfinished("statistics"))
    }
}
