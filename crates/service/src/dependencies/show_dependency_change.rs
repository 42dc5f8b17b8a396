//! Shows one declared change of a dependency.

use backstay_dependencies::{DependencyName, Reference, Workspace, query};
use backstay_model::{Action, Caller, SourceId};

use super::git::git_of;
use crate::error::Result;
use crate::run::Run;
use crate::service::{Service, blocking};
use crate::view::ShownChange;

impl Service {
    /// The change of `dependency` at `reference` and its commands. Nothing is fetched.
    pub async fn show_dependency_change(
        &self,
        caller: &Caller,
        source: &SourceId,
        dependency: &str,
        reference: &str,
        run: &Run,
    ) -> Result<ShownChange> {
        let source = self.permitted_source(caller, source, Action::View).await?;
        let (name, reference) = (DependencyName::parse(dependency)?, Reference::parse(reference)?);
        let (root, cancel) = (self.workspace_root(&source)?, run.cancel.clone());
        blocking("read the change", move || {
            Ok(query::show(&Workspace::new(&root, git_of(&cancel)), &name, &reference)?)
        })
        .await
    }
}
