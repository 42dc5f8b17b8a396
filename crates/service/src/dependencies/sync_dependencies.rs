//! Makes the checkouts follow the lock.

use backstay_dependencies::DependencyName;
use backstay_dependencies::mutate::{self, Synced};
use backstay_model::{Caller, SourceId};

use super::change::{ChangeRequest, DependencyChange};
use crate::error::Result;
use crate::run::Run;
use crate::service::Service;

impl Service {
    /// Brings `only`, or every locked dependency, to its locked commit. Those that cannot be are reported; the others move
    /// together.
    pub async fn sync_dependencies(
        &self,
        caller: &Caller,
        source: &SourceId,
        request: ChangeRequest,
        only: Option<DependencyName>,
        run: &Run,
    ) -> Result<DependencyChange<Vec<Synced>>> {
        self.change_dependencies(caller, source, "sync", request, run, move |workspace, draft, options| {
            mutate::sync(workspace, draft, options, only.as_ref())
        })
        .await
    }
}
