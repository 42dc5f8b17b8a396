//! Moves a dependency to a ref without its migrations.

use backstay_dependencies::mutate::{self, Moved};
use backstay_dependencies::{DependencyName, Reference};
use backstay_model::{Caller, SourceId};

use super::change::{ChangeRequest, DependencyChange};
use crate::error::Result;
use crate::run::Run;
use crate::service::Service;

impl Service {
    /// Moves `graft.yaml`, the lock and the checkout of `name` to `to`, together.
    pub async fn apply_dependency(
        &self,
        caller: &Caller,
        source: &SourceId,
        request: ChangeRequest,
        name: DependencyName,
        to: Reference,
        run: &Run,
    ) -> Result<DependencyChange<Moved>> {
        self.change_dependencies(caller, source, "apply", request, run, move |workspace, draft, options| {
            mutate::apply(workspace, draft, options, &name, &to)
        })
        .await
    }
}
