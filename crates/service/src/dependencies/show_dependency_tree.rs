//! Shows what is locked.

use backstay_dependencies::{Workspace, query};
use backstay_model::{Action, Caller, SourceId};

use super::git::git_of;
use crate::error::Result;
use crate::run::Run;
use crate::service::{Service, blocking};
use crate::view::DependencyTree;

impl Service {
    /// What `graft.lock` holds.
    pub async fn show_dependency_tree(
        &self,
        caller: &Caller,
        source: &SourceId,
        run: &Run,
    ) -> Result<DependencyTree> {
        let source = self.permitted_source(caller, source, Action::View).await?;
        let (root, cancel) = (self.workspace_root(&source)?, run.cancel.clone());
        blocking("read the lock", move || Ok(query::tree(&Workspace::new(&root, git_of(&cancel)))?)).await
    }
}
