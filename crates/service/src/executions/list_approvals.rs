//! The inbox: approvals over all executions.

use backstay_catalog::ApprovalFilter;
use backstay_model::execution::ApprovalStatus;
use backstay_model::{Action, Caller, Kind, Subject};

use super::opened::opened_step;
use crate::checkpoints::check_project;
use crate::error::Result;
use crate::service::Service;
use crate::view::{Counted, Step};

impl Service {
    /// A page of the steps of a project whose approval has this status, newest first.
    pub async fn list_approvals(
        &self,
        caller: &Caller,
        project: &str,
        status: ApprovalStatus,
        offset: u64,
        limit: u32,
    ) -> Result<Counted<Step>> {
        check_project(project)?;
        self.permit(caller, Some(Kind::Job), Action::View, &Subject::new("project", project)).await?;
        let mut read = self.read().await?;
        let filter = ApprovalFilter { status };
        let total = read.count_approvals(&caller.tenant, project, &filter).await?;
        let mut items = Vec::new();
        for row in read.list_approvals(&caller.tenant, project, &filter, offset, limit).await? {
            let Some(execution) = read.execution(row.execution).await? else { continue };
            let opened = self.opened(&mut read, execution).await?;
            items.push(opened.view_step(&opened_step(&opened.keys, row)?));
        }
        Ok(Counted { items, total })
    }
}
