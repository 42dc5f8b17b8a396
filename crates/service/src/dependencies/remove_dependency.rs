//! Takes a dependency out of everything.

use backstay_dependencies::DependencyName;
use backstay_dependencies::mutate::{self, RemoveOptions, Removed};
use backstay_model::{Caller, SourceId};

use super::change::{ChangeRequest, DependencyChange};
use crate::error::Result;
use crate::run::Run;
use crate::service::Service;

impl Service {
    /// Removes `name` from the files, from git, and from the disk, together.
    pub async fn remove_dependency(
        &self,
        caller: &Caller,
        source: &SourceId,
        request: ChangeRequest,
        name: DependencyName,
        remove: RemoveOptions,
        run: &Run,
    ) -> Result<DependencyChange<Removed>> {
        self.change_dependencies(caller, source, "remove", request, run, move |workspace, draft, options| {
            mutate::remove(workspace, draft, options, &name, remove)
        })
        .await
    }
}
