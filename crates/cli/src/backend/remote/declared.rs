//! What the files of a server's workspace say, and its commands.

use backstay_api::declared::{
    CommandList, CommandPlan, CommandsQuery, DependencyTree, DependencyValidation, NewCommandRun,
    ShownChange, ValidationQuery,
};
use backstay_api::upgrade::UpgradeEvent;
use backstay_service::view::CommandReport;

use super::{Remote, task};
use crate::context::Context;
use crate::failure::Failure;
use crate::interrupt;

impl Remote {
    /// One declared change.
    pub(crate) async fn shown_change(&self, dependency: &str, at: &str) -> Result<ShownChange, Failure> {
        Ok(self.client.show_dependency_change(&self.workspace().await?.id, dependency, at).await?)
    }

    /// What is locked.
    pub(crate) async fn dependency_tree(&self) -> Result<DependencyTree, Failure> {
        Ok(self.client.show_dependency_tree(&self.workspace().await?.id).await?)
    }

    /// Whether the files are right.
    pub(crate) async fn validate(&self, query: &ValidationQuery) -> Result<DependencyValidation, Failure> {
        Ok(self.client.validate_dependencies(&self.workspace().await?.id, query).await?)
    }

    /// The commands of a dependency, or of the workspace.
    pub(crate) async fn commands(&self, dependency: Option<&str>) -> Result<CommandList, Failure> {
        let query = CommandsQuery { dependency: dependency.map(str::to_owned) };
        Ok(self.client.list_commands(&self.workspace().await?.id, &query).await?)
    }

    /// What a command would run.
    pub(crate) async fn plan_command(&self, new: &NewCommandRun) -> Result<CommandPlan, Failure> {
        Ok(self.client.plan_command(&self.workspace().await?.id, new).await?)
    }

    /// Runs a command on the server's machine. Ctrl-C asks the server to cancel it and follows it to its end.
    pub(crate) async fn run_command(
        &self,
        cx: &Context,
        new: &NewCommandRun,
        on_event: impl FnMut(UpgradeEvent),
    ) -> Result<CommandReport, Failure> {
        let accepted = self.client.run_command(&self.workspace().await?.id, new, 0).await?;
        {
            let mut following = Box::pin(self.client.follow_output(&accepted.operation_id, on_event));
            tokio::select! {
                ended = &mut following => ended?,
                () = interrupt::requested(&cx.cancel) => {
                    // It may have ended by itself.
                    drop(self.client.cancel_operation(&accepted.operation_id).await);
                    following.await?
                }
            };
        }
        task::report(task::finish(&self.client, cx, "Running", &accepted.task_id).await?)
    }
}
