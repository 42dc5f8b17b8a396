//! Brings what the sources have.

use backstay_dependencies::mutate::{self, Fetched};
use backstay_dependencies::{DependencyName, Workspace};
use backstay_model::{Action, Caller, SourceId};

use super::git::git_of;
use crate::error::Result;
use crate::run::Run;
use crate::service::{Service, blocking};

impl Service {
    /// Fetches `only`, or every declared dependency. Neither the files nor the checkouts change, and so neither does the
    /// serial.
    pub async fn fetch_dependencies(
        &self,
        caller: &Caller,
        source: &SourceId,
        only: Option<DependencyName>,
        run: &Run,
    ) -> Result<Vec<Fetched>> {
        let source = self.permitted_source(caller, source, Action::Capture).await?;
        let root = self.workspace_root(&source)?;
        let lock = self.lock_workspace(&root, "fetch", run).await?;
        self.recover_locked(caller, &source, &lock).await?;
        let cancel = run.cancel.clone();
        let fetched = blocking("fetch the dependencies", move || {
            Ok(mutate::fetch(&Workspace::new(&root, git_of(&cancel)), only.as_ref())?)
        })
        .await;
        drop(lock);
        fetched
    }
}
