//! Takes a workspace into care.

use crate::error::{Result, ServiceError};
use crate::service::Service;
use crate::view::{NewSource, Source};
use backstay_model::Caller;

impl Service {
    /// Registers a directory as a workspace of the caller's tenant.
    ///
    /// Errors: `Invalid` for a bad name or a root that is no directory, `Forbidden` (`Root is not allowed`) outside the
    /// allowed roots, `Conflict` when the name or the root is taken.
    pub async fn register_source(&self, caller: &Caller, new: NewSource) -> Result<Source> {
        let _ = (self, caller, new);
        Err(ServiceError::unfinished("register_source"))
    }
}
