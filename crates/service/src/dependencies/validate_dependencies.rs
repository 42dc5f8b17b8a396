//! Looks whether the files are right and the checkouts what the lock says.

use backstay_dependencies::Workspace;
use backstay_dependencies::query::{self, What};
use backstay_model::{Action, Caller, SourceId};

use super::git::git_of;
use crate::error::Result;
use crate::run::Run;
use crate::service::{Service, blocking};
use crate::view::DependencyValidation;

impl Service {
    /// Looks at `what`, and changes nothing. What is wrong is part of the answer and no error.
    pub async fn validate_dependencies(
        &self,
        caller: &Caller,
        source: &SourceId,
        what: What,
        run: &Run,
    ) -> Result<DependencyValidation> {
        let source = self.permitted_source(caller, source, Action::View).await?;
        let (root, cancel) = (self.workspace_root(&source)?, run.cancel.clone());
        blocking("validate the dependencies", move || {
            Ok(query::validate(&Workspace::new(&root, git_of(&cancel)), what)?)
        })
        .await
    }
}
