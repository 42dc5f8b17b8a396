//! The event log as a list.

use backstay_catalog::{Paging, Total};
use backstay_model::{Action, Caller, Subject};

use super::visible::visible;
use crate::error::Result;
use crate::page::PageRequest;
use crate::service::Service;
use crate::view::{EventFilter, EventPage};

/// How many matches are counted where no counter knows them.
const COUNTED: u64 = 1000;

impl Service {
    /// Lists events, newest first. Everybody sees the events of things of the own tenant except those of access (users, tokens,
    /// sessions, denied attempts), which take [`Action::Audit`].
    ///
    /// The total is exact without `text` and `subject`; a search for a word that is in millions of events does not count them
    /// all.
    pub async fn list_events(
        &self,
        caller: &Caller,
        filter: &EventFilter,
        page: &PageRequest,
    ) -> Result<EventPage> {
        self.permit(caller, None, Action::View, &Subject::new("events", &caller.tenant)).await?;
        let paging = Paging { total: Total::UpTo(COUNTED), ..page.paging()? };
        let Some(wanted) = visible(caller, filter)? else {
            return Ok(EventPage { items: Vec::new(), total: 0, total_exact: true, next: None });
        };
        let found = self.read().await?.list_events(&wanted, &paging).await?;
        Ok(EventPage {
            items: found.items,
            total: found.total,
            total_exact: found.total_exact,
            next: found.next,
        })
    }
}
