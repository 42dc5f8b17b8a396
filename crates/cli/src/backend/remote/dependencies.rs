//! The dependencies of a workspace of a server.

use backstay_api::dependency::{
    DependencyAction as WireAction, DependencyChanges, DependencyChangesQuery, DependencyList,
    DependencyQuery, NewDependencyChange as WireChange,
};
use backstay_service::view::{DependencyAction, DependencyReport, NewDependencyChange};

use super::{Remote, task};
use crate::context::Context;
use crate::failure::Failure;

impl Remote {
    /// The locked dependencies.
    pub(crate) async fn dependencies(&self, updates: bool) -> Result<DependencyList, Failure> {
        let query = DependencyQuery { updates: updates.then_some(true) };
        Ok(self.client.list_dependencies(&self.workspace().await?.id, &query).await?)
    }

    /// The declared changes of one.
    pub(crate) async fn dependency_changes(
        &self,
        dependency: &str,
        query: &DependencyChangesQuery,
    ) -> Result<DependencyChanges, Failure> {
        Ok(self.client.list_dependency_changes(&self.workspace().await?.id, dependency, query).await?)
    }

    /// Changes them on the server's machine.
    pub(crate) async fn change_dependencies(
        &self,
        cx: &Context,
        verb: &'static str,
        change: &NewDependencyChange,
        wait: u64,
    ) -> Result<DependencyReport, Failure> {
        let new = WireChange {
            action: match change.action {
                DependencyAction::Resolve => WireAction::Resolve,
                DependencyAction::Fetch => WireAction::Fetch,
                DependencyAction::Sync => WireAction::Sync,
                DependencyAction::Apply => WireAction::Apply,
                DependencyAction::Add => WireAction::Add,
                DependencyAction::Remove => WireAction::Remove,
                DependencyAction::Fix => WireAction::Fix,
            },
            dependency: change.dependency.clone(),
            to: change.to.clone(),
            source: change.source.clone(),
            dry_run: change.dry_run,
            offline: change.offline,
            no_stage: change.no_stage,
            force: change.force,
            force_yaml: change.force_yaml,
            no_resolve: change.no_resolve,
            keep_files: change.keep_files,
        };
        let client = self.patient(wait);
        let accepted = client.change_dependencies(&self.workspace().await?.id, &new, 0).await?;
        task::report(task::finish(&self.client, cx, verb, &accepted.task_id).await?)
    }
}
