//! The sources of a tenant.

use backstay_catalog::SourceFilter as RowFilter;
use backstay_model::{Action, Caller, Subject};

use super::view;
use crate::error::Result;
use crate::page::{Page, PageRequest};
use crate::service::Service;
use crate::view::{Source, SourceFilter};

impl Service {
    /// Lists sources, oldest first.
    pub async fn list_sources(
        &self,
        caller: &Caller,
        filter: &SourceFilter,
        page: &PageRequest,
    ) -> Result<Page<Source>> {
        self.permit(caller, filter.kind, Action::View, &Subject::new("sources", &caller.tenant)).await?;
        let wanted = RowFilter {
            tenant: Self::visible_tenant(caller),
            kind: filter.kind,
            text: filter.text.clone(),
            ..RowFilter::default()
        };
        let found = self.read().await?.list_sources(&wanted, &page.paging()?).await?;
        let items = found.items.into_iter().map(view).collect::<Result<_>>()?;
        Ok(Page { items, total: found.total, next: found.next })
    }
}
