//! The runs that a caller sees.

use backstay_catalog::SourceFilter;
use backstay_model::{Action, Caller, Kind, SourceId, Subject};

use super::view;
use crate::error::{Result, ServiceError};
use crate::page::{Page, PageRequest};
use crate::service::Service;
use crate::view::TrainingRun;

impl Service {
    /// Lists runs, oldest first, each with its newest snapshot.
    pub async fn list_training_runs(&self, caller: &Caller, page: &PageRequest) -> Result<Page<TrainingRun>> {
        let subject = Subject::new("sources", &caller.tenant);
        self.permit(caller, Some(Kind::Training), Action::View, &subject).await?;
        let wanted = SourceFilter {
            tenant: Self::visible_tenant(caller),
            kind: Some(Kind::Training),
            ..SourceFilter::default()
        };
        let mut read = self.read().await?;
        let found = read.list_sources(&wanted, &page.paging()?).await?;
        let mut items = Vec::with_capacity(found.items.len());
        for row in found.items {
            items.push(view::run(&mut read, row).await?);
        }
        Ok(Page { items, total: found.total, next: found.next })
    }

    /// A run.
    pub async fn show_training_run(&self, caller: &Caller, id: &SourceId) -> Result<TrainingRun> {
        let row = self.permitted_run(caller, id, Action::View).await?;
        view::run(&mut self.read().await?, row).await
    }

    /// The row of a run, when the caller may do `action` to it. A source of another kind is not found.
    pub(super) async fn permitted_run(
        &self,
        caller: &Caller,
        id: &SourceId,
        action: Action,
    ) -> Result<backstay_catalog::SourceRow> {
        let of_kind = self.read().await?.source(id).await?.is_some_and(|row| row.kind == Kind::Training);
        if !of_kind {
            return Err(ServiceError::not_found("Run"));
        }
        self.permitted_source(caller, id, action).await
    }
}
