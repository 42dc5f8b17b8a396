//! Ends what was interrupted.

use crate::error::{Result, ServiceError};
use crate::run::Run;
use crate::service::Service;
use crate::view::RecoverReport;
use backstay_model::{Caller, SourceId};

impl Service {
    /// Ends every unfinished operation of a workspace: forward when its commit record exists (or back, with `backward`), else back.
    /// Closes captures whose process is gone. Changing nothing when there is nothing to end.
    pub async fn recover(
        &self,
        caller: &Caller,
        source: &SourceId,
        backward: bool,
        run: &Run,
    ) -> Result<RecoverReport> {
        let _ = (self, caller, source, backward, run);
        Err(ServiceError::unfinished("recover"))
    }
}
