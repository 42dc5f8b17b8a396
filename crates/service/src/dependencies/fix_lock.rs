//! Heals a lock that an older program wrote.

use backstay_dependencies::mutate::{self, Fixed};
use backstay_model::{Caller, SourceId};

use super::change::{ChangeRequest, DependencyChange};
use crate::error::Result;
use crate::run::Run;
use crate::service::Service;

impl Service {
    /// Writes the lock anew: in version 3, with commits where ids of annotated tags were.
    pub async fn fix_lock(
        &self,
        caller: &Caller,
        source: &SourceId,
        request: ChangeRequest,
        run: &Run,
    ) -> Result<DependencyChange<Fixed>> {
        self.change_dependencies(caller, source, "fix", request, run, mutate::fix).await
    }
}
