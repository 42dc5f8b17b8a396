//! Listing executions.

use backstay_catalog::ExecutionFilter as RowFilter;
use backstay_model::{Action, Caller, Kind, Subject};

use crate::checkpoints::{any_job, check_job_name, check_project};
use crate::error::Result;
use crate::limits::Fields;
use crate::service::Service;
use crate::view::{Counted, Execution, ExecutionFilter};

impl Service {
    /// A page of the executions of a project, newest first. A job that is unknown has none.
    pub async fn list_executions(
        &self,
        caller: &Caller,
        project: &str,
        filter: &ExecutionFilter,
    ) -> Result<Counted<Execution>> {
        check_project(project)?;
        let mut fields = Fields::default();
        if let Some(job) = &filter.job_id {
            check_job_name(&mut fields, "job_id", job);
        }
        fields.finish()?;
        self.permit(caller, Some(Kind::Job), Action::View, &Subject::new("project", project)).await?;
        let mut read = self.read().await?;
        let job = match &filter.job_id {
            None => None,
            Some(name) => match any_job(&mut read, caller, project, name).await? {
                Some(job) => Some(job.number),
                None => return Ok(Counted { items: Vec::new(), total: 0 }),
            },
        };
        let wanted = RowFilter { state: filter.state, workflow_name: filter.workflow_name.clone(), job };
        let tenant = &caller.tenant;
        let total = read.count_executions(tenant, project, &wanted).await?;
        let rows = read.list_executions(tenant, project, &wanted, filter.offset, filter.limit).await?;
        Ok(Counted { items: self.execution_views(&mut read, &rows).await?, total })
    }
}
