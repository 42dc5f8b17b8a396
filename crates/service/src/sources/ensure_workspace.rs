//! The workspace of a directory, registered when it is not yet.

use std::path::Path;

use crate::error::{Result, ServiceError};
use crate::service::Service;
use crate::view::Source;
use backstay_model::Caller;

impl Service {
    /// Finds the workspace whose root is `root`, or registers it under `name` (made unique when taken). For the command line.
    pub async fn ensure_workspace(&self, caller: &Caller, root: &Path, name: &str) -> Result<Source> {
        let _ = (self, caller, root, name);
        Err(ServiceError::unfinished("ensure_workspace"))
    }

    /// Finds the workspace whose root is `root`; `None` when nothing was ever saved there.
    pub async fn find_workspace(&self, caller: &Caller, root: &Path) -> Result<Option<Source>> {
        let _ = (self, caller, root);
        Err(ServiceError::unfinished("find_workspace"))
    }
}
