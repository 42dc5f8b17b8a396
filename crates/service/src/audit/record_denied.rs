//! Denied attempts are events.

use crate::error::{Result, ServiceError};
use crate::service::Service;
use backstay_model::{Caller, Subject};

impl Service {
    /// Notes that `caller` was refused `action` (for example `token.rejected`) on `subject` before a use case ran.
    pub async fn record_denied(
        &self,
        caller: &Caller,
        action: &str,
        subject: Subject,
        detail: &str,
    ) -> Result<()> {
        let _ = (self, caller, action, subject, detail);
        Err(ServiceError::unfinished("record_denied"))
    }
}
