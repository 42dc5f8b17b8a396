//! Declares a dependency and brings it here.

use backstay_dependencies::mutate::{self, AddOptions, Moved};
use backstay_dependencies::{DependencyName, Pin};
use backstay_model::{Caller, SourceId};

use super::change::{ChangeRequest, DependencyChange};
use crate::error::Result;
use crate::run::Run;
use crate::service::Service;

impl Service {
    /// Adds `name`. The report is `None` when it was only declared.
    #[expect(clippy::too_many_arguments, reason = "who, where, how and what")]
    pub async fn add_dependency(
        &self,
        caller: &Caller,
        source: &SourceId,
        request: ChangeRequest,
        name: DependencyName,
        pin: Pin,
        add: AddOptions,
        run: &Run,
    ) -> Result<DependencyChange<Option<Moved>>> {
        self.change_dependencies(caller, source, "add", request, run, move |workspace, draft, options| {
            mutate::add(workspace, draft, options, &name, &pin, add)
        })
        .await
    }
}
