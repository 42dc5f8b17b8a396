//! What a dependency declares about itself.

use backstay_dependencies::query::{self, ChangeFilter};
use backstay_dependencies::{DependencyName, Reference, Workspace};
use backstay_model::{Action, Caller, SourceId};

use super::git::git_of;
use crate::error::Result;
use crate::run::Run;
use crate::service::{Service, blocking};
use crate::view::{DependencyChangeFilter, DependencyChanges};

impl Service {
    /// The declared changes of one dependency. Nothing is fetched.
    pub async fn list_dependency_changes(
        &self,
        caller: &Caller,
        source: &SourceId,
        dependency: &str,
        filter: DependencyChangeFilter,
        run: &Run,
    ) -> Result<DependencyChanges> {
        let source = self.permitted_source(caller, source, Action::View).await?;
        let name = DependencyName::parse(dependency)?;
        let reference = |text: &Option<String>| text.as_deref().map(Reference::parse).transpose();
        let (from, to) = (reference(&filter.from)?, reference(&filter.to)?);
        let filter = ChangeFilter { kind: filter.kind, from, to };
        let (root, cancel) = (self.workspace_root(&source)?, run.cancel.clone());
        blocking("read the changes", move || {
            Ok(query::changes(&Workspace::new(&root, git_of(&cancel)), &name, &filter)?.into())
        })
        .await
    }
}
