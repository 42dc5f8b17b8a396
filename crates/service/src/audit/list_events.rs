//! The event log as a list.

use backstay_model::{Action, Caller, Event, Subject};

use super::visible::visible;
use crate::error::Result;
use crate::page::{Page, PageRequest};
use crate::service::Service;
use crate::view::EventFilter;

impl Service {
    /// Lists events, newest first. Everybody sees the events of things of the own tenant except those of access (users, tokens,
    /// sessions, denied attempts), which take [`Action::Audit`].
    pub async fn list_events(
        &self,
        caller: &Caller,
        filter: &EventFilter,
        page: &PageRequest,
    ) -> Result<Page<Event>> {
        self.permit(caller, None, Action::View, &Subject::new("events", &caller.tenant)).await?;
        let paging = page.paging()?;
        let Some(wanted) = visible(caller, filter)? else {
            return Ok(Page { items: Vec::new(), total: 0, next: None });
        };
        Ok(self.read().await?.list_events(&wanted, &paging).await?.into())
    }
}
