//! Where the dependencies of a workspace are, and what they declare.

use backstay_dependencies::query::{self, ChangeFilter, ChangeList, Status};
use backstay_dependencies::{DependencyName, Workspace};
use backstay_model::{Action, Caller, SourceId};

use super::git::git_of;
use crate::error::Result;
use crate::run::Run;
use crate::service::{Service, blocking};

impl Service {
    /// Every locked dependency. Nothing is fetched.
    pub async fn show_dependencies(&self, caller: &Caller, source: &SourceId, run: &Run) -> Result<Status> {
        let source = self.permitted_source(caller, source, Action::View).await?;
        let (root, cancel) = (self.workspace_root(&source)?, run.cancel.clone());
        blocking("read the dependencies", move || {
            Ok(query::status(&Workspace::new(&root, git_of(&cancel)), None, false, true)?)
        })
        .await
    }

    /// The declared changes of one dependency. Nothing is fetched.
    pub async fn list_dependency_changes(
        &self,
        caller: &Caller,
        source: &SourceId,
        name: DependencyName,
        filter: ChangeFilter,
        run: &Run,
    ) -> Result<ChangeList> {
        let source = self.permitted_source(caller, source, Action::View).await?;
        let (root, cancel) = (self.workspace_root(&source)?, run.cancel.clone());
        blocking("read the changes", move || {
            Ok(query::changes(&Workspace::new(&root, git_of(&cancel)), &name, &filter)?)
        })
        .await
    }
}
