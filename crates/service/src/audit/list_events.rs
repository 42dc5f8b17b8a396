//! The event log as a list.

use crate::error::{Result, ServiceError};
use crate::page::{Page, PageRequest};
use crate::service::Service;
use crate::view::EventFilter;
use backstay_model::{Caller, Event};

impl Service {
    /// Lists events, newest first. Everybody sees the events of things of the own tenant except those of access (users, tokens,
    /// sessions, denied attempts), which take [`Action::Audit`](backstay_model::Action::Audit).
    pub async fn list_events(
        &self,
        caller: &Caller,
        filter: &EventFilter,
        page: &PageRequest,
    ) -> Result<Page<Event>> {
        let _ = (self, caller, filter, page);
        Err(ServiceError::unfinished("list_events"))
    }
}
