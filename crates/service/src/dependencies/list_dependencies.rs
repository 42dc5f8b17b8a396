//! Where the dependencies of a workspace are.

use backstay_dependencies::{Workspace, query};
use backstay_model::{Action, Caller, SourceId};

use super::git::git_of;
use crate::error::Result;
use crate::run::Run;
use crate::service::{Service, blocking};
use crate::view::DependencyList;

impl Service {
    /// Every locked dependency; with `updates` also what is newer among what was fetched. Nothing is fetched.
    pub async fn list_dependencies(
        &self,
        caller: &Caller,
        source: &SourceId,
        updates: bool,
        run: &Run,
    ) -> Result<DependencyList> {
        let source = self.permitted_source(caller, source, Action::View).await?;
        let (root, cancel) = (self.workspace_root(&source)?, run.cancel.clone());
        blocking("read the dependencies", move || {
            Ok(query::status(&Workspace::new(&root, git_of(&cancel)), None, updates, true)?.into())
        })
        .await
    }
}
