//! Listing executors.

use backstay_model::{Action, Caller, Kind, Subject};

use super::opened::view;
use crate::checkpoints::check_project;
use crate::error::Result;
use crate::service::Service;
use crate::view::Executor;

impl Service {
    /// The executors of a project by name, without their secrets. One whose record is damaged is left out.
    pub async fn list_executors(&self, caller: &Caller, project: &str) -> Result<Vec<Executor>> {
        check_project(project)?;
        let subject = Subject::new("project", project);
        self.permit(caller, Some(Kind::Job), Action::ManageSources, &subject).await?;
        let rows = self.read().await?.executors(&caller.tenant, project).await?;
        let mut found = Vec::with_capacity(rows.len());
        for row in rows {
            let name = row.name.clone();
            match self.open_executor(row).await {
                Ok(opened) => found.push(view(opened)),
                Err(error) => {
                    tracing::warn!(executor.name = name, %error, "an executor is left out of a list");
                }
            }
        }
        Ok(found)
    }

    /// The executor with this id, without its secret.
    pub async fn get_executor(&self, caller: &Caller, id: &str) -> Result<Executor> {
        let row = self.permitted_executor(caller, id, Action::ManageSources).await?;
        Ok(view(self.open_executor(row).await?))
    }
}
