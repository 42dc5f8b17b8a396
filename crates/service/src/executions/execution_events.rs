//! The history of an execution.

use backstay_catalog::EventFilter;
use backstay_model::{Action, Caller, Subject};

use crate::error::Result;
use crate::service::Service;
use crate::view::ExecutionEvents;

impl Service {
    /// Up to `limit` events of an execution, its steps and approvals after number `after`, oldest first.
    pub async fn execution_events(
        &self,
        caller: &Caller,
        id: &str,
        after: u64,
        limit: u32,
    ) -> Result<ExecutionEvents> {
        let row = self.permit_execution(caller, id, Action::View).await?;
        let filter = EventFilter {
            tenant: Some(row.tenant),
            subject: Some(Subject::new("execution", id)),
            // Denied attempts are the audit trail's.
            without: vec!["access_denied".to_owned()],
            ..EventFilter::default()
        };
        let (events, seen) = self.read().await?.events_after(after, &filter, limit).await?;
        let next = (events.len() >= limit as usize).then_some(seen);
        Ok(ExecutionEvents { events, next })
    }
}
