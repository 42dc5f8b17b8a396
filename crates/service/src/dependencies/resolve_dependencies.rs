//! Makes the lock and the checkouts follow `graft.yaml`.

use backstay_dependencies::mutate::{self, ResolveOptions, Resolved};
use backstay_model::{Caller, SourceId};

use super::change::{ChangeRequest, DependencyChange};
use crate::error::Result;
use crate::run::Run;
use crate::service::Service;

impl Service {
    /// Resolves every declared dependency, all or none.
    pub async fn resolve_dependencies(
        &self,
        caller: &Caller,
        source: &SourceId,
        request: ChangeRequest,
        resolve: ResolveOptions,
        run: &Run,
    ) -> Result<DependencyChange<Resolved>> {
        self.change_dependencies(caller, source, "resolve", request, run, move |workspace, draft, options| {
            mutate::resolve(workspace, draft, options, resolve)
        })
        .await
    }
}
