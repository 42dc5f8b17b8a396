//! One event.

use backstay_model::{Action, Caller, Event, Subject};

use crate::error::{Result, ServiceError};
use crate::service::Service;

impl Service {
    /// The event with the number `seq`. Takes the role that may read the audit trail, because the number alone does not tell
    /// what it is about; one of another tenant does not exist.
    pub async fn show_event(&self, caller: &Caller, seq: u64) -> Result<Event> {
        self.permit(caller, None, Action::Audit, &Subject::new("events", &caller.tenant)).await?;
        let found = self.read().await?.event(seq).await?;
        let tenant = Self::visible_tenant(caller);
        found
            .filter(|event| tenant.is_none_or(|tenant| event.tenant == tenant))
            .ok_or_else(|| ServiceError::not_found("Event"))
    }
}
