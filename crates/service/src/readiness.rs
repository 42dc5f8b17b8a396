//! Whether the service can do its work.

use crate::error::{Result, ServiceError};
use crate::service::Service;

impl Service {
    /// Checks that the catalog answers and the repository can be opened.
    pub async fn readiness(&self) -> Result<()> {
        let _ = (self,);
        Err(ServiceError::unfinished("readiness"))
    }
}
