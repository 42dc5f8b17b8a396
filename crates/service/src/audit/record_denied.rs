//! Denied attempts are events.

use backstay_model::{Caller, Outcome, Subject};
use serde_json::json;

use crate::error::Result;
use crate::service::{Describe, Service};

impl Service {
    /// Notes that `caller` was refused `action` (for example `token.rejected`) on `subject` before a use case ran.
    pub async fn record_denied(
        &self,
        caller: &Caller,
        action: &str,
        subject: Subject,
        detail: &str,
    ) -> Result<()> {
        let event =
            self.event(caller, action, subject).ended(Outcome::Denied).with(json!({"detail": detail}));
        self.commit_event(event).await.map(|_| ())
    }
}
