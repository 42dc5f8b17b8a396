//! `backstay training import`

use std::path::PathBuf;

use backstay_service::view::{NewTrainingSnapshot, TrainingTrigger};
use clap::Args;

use super::files;
use super::{Runs, described, path_of, quiet_run};
use crate::context::Context;
use crate::failure::{CommandResult, Exit};
use crate::human;

/// Take an HDF5 file into the repository as a snapshot of a run
///
/// Reads files of the formats juniper.cascor up to version 2 and cascor_hdf5_v1, with or without history. What going on exactly
/// lacks is named; pickled states are never read. A file of `export` comes out again with the same bytes.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay training import spirals.h5 --run spirals
  backstay training import old.h5 --run archive --name 'before the change'")]
pub(crate) struct TrainingImportArgs {
    /// The file
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    /// The run, which is made when it is missing
    #[arg(long, value_name = "RUN")]
    pub(crate) run: String,

    /// The label of the snapshot (default: the name of the file)
    #[arg(long, value_name = "LABEL")]
    pub(crate) name: Option<String>,

    /// A description
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) description: String,
}

/// Imports.
pub(crate) async fn run(cx: &Context, args: TrainingImportArgs) -> CommandResult {
    let snapshot = files::read(&path_of(cx, &args.file)?)?;
    let runs = Runs::create(cx).await?;
    let run = runs.run_of(&args.run).await?;
    let of_file =
        || args.file.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let new = NewTrainingSnapshot {
        label: args.name.clone().unwrap_or_else(of_file),
        description: args.description.clone(),
        trigger: TrainingTrigger::Import,
        ..NewTrainingSnapshot::default()
    };
    let saved = runs.service.save_training(&runs.caller, &run.id, snapshot, &new, &quiet_run(cx)).await?;
    let snapshot = saved.snapshot;
    cx.output.result(&snapshot, |out, _| {
        writeln!(out, "✓ Imported {} as {}", args.file.display(), described(&snapshot))?;
        if snapshot.exact {
            return Ok(());
        }
        writeln!(out, "Missing for going on exactly: {}", human::one_line(&snapshot.missing.join(", ")))
    })?;
    Ok(if snapshot.exact { Exit::Done } else { Exit::Partial })
}
