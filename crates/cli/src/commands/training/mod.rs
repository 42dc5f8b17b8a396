//! `backstay training`

mod cleanup;
mod compare;
mod delete;
mod export;
mod files;
mod fork;
mod import;
mod lineage;
mod list;
mod load;
mod pin;
mod restore;
mod run;
mod save;
mod train;
mod verify;

use std::path::{Path, PathBuf};

use backstay_model::{Caller, ErrorKind, SnapshotId};
use backstay_service::view::{NewTrainingRun, TrainingRun, TrainingSnapshot};
use backstay_service::{Run, Service};
use backstay_source_training::Snapshot;
use clap::Subcommand;

use crate::backend::opening::{self, Create};
use crate::context::Context;
use crate::failure::{CommandResult, Failure};
use crate::human;

/// Train a network, and freeze, compare, fork and continue it exactly
///
/// A SNAPSHOT is an HDF5 file, or lies in the repository of the workspace: RUN (where it is now), RUN:LABEL, or an id. Works on the
/// repository of this machine or the one that --repository names, not over --server.
#[derive(Debug, Subcommand)]
pub(crate) enum TrainingCommand {
    Run(run::TrainingRunArgs),
    List(list::TrainingListArgs),
    Save(save::TrainingSaveArgs),
    Load(load::TrainingLoadArgs),
    Verify(verify::TrainingVerifyArgs),
    Compare(compare::TrainingCompareArgs),
    Export(export::TrainingExportArgs),
    Import(import::TrainingImportArgs),
    Restore(restore::TrainingRestoreArgs),
    Fork(fork::TrainingForkArgs),
    Lineage(lineage::TrainingLineageArgs),
    Cleanup(cleanup::TrainingCleanupArgs),
    Pin(pin::TrainingPinArgs),
    Unpin(pin::TrainingUnpinArgs),
    Delete(delete::TrainingDeleteArgs),
}

/// Runs the command.
pub(crate) async fn run(cx: &Context, command: TrainingCommand) -> CommandResult {
    if cx.globals.server.is_some() {
        return Err(Failure::usage("training works on a repository of this machine, not over --server")
            .hint("leave --server out and unset BACKSTAY_SERVER"));
    }
    match command {
        TrainingCommand::Run(args) => Box::pin(run::run(cx, args)).await,
        TrainingCommand::List(args) => list::run(cx, args).await,
        TrainingCommand::Save(args) => save::run(cx, args).await,
        TrainingCommand::Load(args) => load::run(cx, args).await,
        TrainingCommand::Verify(args) => verify::run(cx, args).await,
        TrainingCommand::Compare(args) => compare::run(cx, args).await,
        TrainingCommand::Export(args) => export::run(cx, args).await,
        TrainingCommand::Import(args) => import::run(cx, args).await,
        TrainingCommand::Restore(args) => restore::run(cx, args).await,
        TrainingCommand::Fork(args) => fork::run(cx, args).await,
        TrainingCommand::Lineage(args) => lineage::run(cx, args).await,
        TrainingCommand::Cleanup(args) => cleanup::run(cx, args).await,
        TrainingCommand::Pin(args) => pin::pin(cx, args).await,
        TrainingCommand::Unpin(args) => pin::unpin(cx, args).await,
        TrainingCommand::Delete(args) => delete::run(cx, args).await,
    }
}

/// The runs of the workspace that the command stands in.
struct Runs {
    service: Service,
    caller: Caller,
}

impl Runs {
    /// Opens them; a workspace in which nothing was saved has none.
    async fn open(cx: &Context) -> Result<Self, Failure> {
        let root = cx.workspace()?.root;
        match opening::service(cx, &root, Create::Never).await? {
            Some(service) => Ok(Self { service, caller: opening::caller() }),
            None => {
                Err(Failure::new(ErrorKind::NotFound, format!("nothing was saved in {} yet", root.display()))
                    .hint("`backstay training run` trains a network; -C names another directory"))
            }
        }
    }

    /// The same, made when missing.
    async fn create(cx: &Context) -> Result<Self, Failure> {
        let service = opening::service_created(cx, &cx.workspace()?.root).await?;
        Ok(Self { service, caller: opening::caller() })
    }

    /// The snapshot in the repository that `text` names.
    async fn find(&self, text: &str) -> Result<TrainingSnapshot, Failure> {
        Ok(self.service.resolve_training_snapshot(&self.caller, text).await?)
    }

    /// The run of this name, made when it is missing.
    async fn run_of(&self, name: &str) -> Result<TrainingRun, Failure> {
        match self.service.resolve_training_run(&self.caller, name).await {
            Err(error) if error.kind == ErrorKind::NotFound => {
                let new = NewTrainingRun { name: name.to_owned(), ..NewTrainingRun::default() };
                Ok(self.service.create_training_run(&self.caller, new).await?)
            }
            found => Ok(found?),
        }
    }

    async fn load(&self, id: &SnapshotId) -> Result<Snapshot, Failure> {
        Ok(self.service.load_training(&self.caller, id).await?)
    }
}

/// What a use case gets from a command that shows no progress.
fn quiet_run(cx: &Context) -> Run {
    Run { cancel: cx.cancel.clone(), notices: cx.notices.clone(), ..Run::default() }
}

/// A path as the command stands.
fn path_of(cx: &Context, path: &Path) -> Result<PathBuf, Failure> {
    Ok(cx.directory()?.join(path))
}

/// What a person named: a file when there is one of that name, else a snapshot in the repository.
async fn load_named(cx: &Context, text: &str) -> Result<Snapshot, Failure> {
    let path = path_of(cx, Path::new(text))?;
    if path.is_file() {
        return files::read(&path);
    }
    let runs = Runs::open(cx).await?;
    let found = runs.find(text).await?;
    runs.load(&found.id).await
}

/// A snapshot in one line: `run:label, epoch 1200, 3 hidden units`.
fn described(snapshot: &TrainingSnapshot) -> String {
    let units = human::count(snapshot.hidden_units, "hidden unit", "hidden units");
    let name = human::one_line(&format!("{}:{}", snapshot.run_name, snapshot.label));
    format!("{name}, epoch {}, {units}", snapshot.epoch)
}
