//! Lists the declared commands of a workspace or of a dependency.

use backstay_dependencies::{DependencyName, Workspace, run};
use backstay_model::{Action, Caller, SourceId};

use super::git::git_of;
use crate::error::Result;
use crate::run::Run;
use crate::service::{Service, blocking};
use crate::view::CommandList;

impl Service {
    /// The commands and sequences that `dependency`, or without one the workspace, declares.
    pub async fn list_commands(
        &self,
        caller: &Caller,
        source: &SourceId,
        dependency: Option<&str>,
        run: &Run,
    ) -> Result<CommandList> {
        let source = self.permitted_source(caller, source, Action::View).await?;
        let name = dependency.map(DependencyName::parse).transpose()?;
        let (root, cancel) = (self.workspace_root(&source)?, run.cancel.clone());
        blocking("read the commands", move || {
            let workspace = Workspace::new(&root, git_of(&cancel));
            Ok(run::catalogue(&workspace.declarations_of(name.as_ref())?))
        })
        .await
    }
}
