//! Takes an HDF5 file into the repository.

use backstay_catalog::SourceRow;
use backstay_model::{Action, Caller, ErrorKind, Kind, SourceId, Subject};
use backstay_source_training::Snapshot;

use super::forks::training_rows;
use crate::error::{Result, ServiceError};
use crate::run::Run;
use crate::service::{Service, blocking};
use crate::view::{NewTrainingRun, NewTrainingSnapshot, SavedTraining, TrainingTrigger};

/// The run of what is imported into none while there is none.
const IMPORTED: &str = "imported";

impl Service {
    /// Reads `file` and saves it as the newest snapshot of a run: the one that `run` names, which is made when it is missing, or else the
    /// newest run of the tenant.
    ///
    /// Errors: `Invalid` with `Invalid snapshot file: …`, otherwise as [`Service::save_training`].
    pub async fn import_training(
        &self,
        caller: &Caller,
        file: bytes::Bytes,
        named: Option<&str>,
        new: NewTrainingSnapshot,
        run: &Run,
    ) -> Result<SavedTraining> {
        self.permit_training_import(caller).await?;
        let read = blocking("read the file", move || Ok(Snapshot::read(&*file))).await?;
        let snapshot = read.map_err(|error| {
            ServiceError::new(ErrorKind::Invalid, format!("Invalid snapshot file: {error}")).because(error)
        })?;
        let to = self.run_to_import_to(caller, named).await?;
        let new = NewTrainingSnapshot { trigger: TrainingTrigger::Import, ..new };
        self.save_training(caller, &to, snapshot, &new, run).await
    }

    /// Whether the caller may import at all, to be asked before a file is received.
    pub async fn permit_training_import(&self, caller: &Caller) -> Result<()> {
        let subject = Subject::new("sources", &caller.tenant);
        self.permit(caller, Some(Kind::Training), Action::Capture, &subject).await
    }

    async fn run_to_import_to(&self, caller: &Caller, named: Option<&str>) -> Result<SourceId> {
        let name = match named {
            Some(named) => match self.resolve_training_run(caller, named).await {
                Ok(run) => return Ok(run.id),
                Err(error) if error.kind == ErrorKind::NotFound => named,
                Err(error) => return Err(error),
            },
            None => match self.newest_run(caller).await? {
                Some(run) => return Ok(run.id),
                None => IMPORTED,
            },
        };
        let new = NewTrainingRun { name: name.to_owned(), ..NewTrainingRun::default() };
        Ok(self.create_training_run(caller, new).await?.id)
    }

    /// The newest run of the caller's tenant.
    async fn newest_run(&self, caller: &Caller) -> Result<Option<SourceRow>> {
        Ok(training_rows(&mut self.read().await?, Some(&caller.tenant)).await?.pop())
    }
}
