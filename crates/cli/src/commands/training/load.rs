//! `backstay training load`

use std::path::PathBuf;

use backstay_service::view::{NewTrainingSnapshot, TrainingTrigger};
use clap::Args;
use serde_json::json;

use super::files::{self, Facts};
use super::{Runs, described, path_of, quiet_run, save};
use crate::context::Context;
use crate::failure::{CommandResult, Exit};

/// Check a snapshot file and load its network
///
/// With --output it is written anew, with all that was read of it. With --run it becomes the newest snapshot of that run, from which
/// `run --resume` goes on.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay training load network.h5
  backstay training load old.h5 --output new.h5
  backstay training load spirals.h5 --run spirals")]
pub(crate) struct TrainingLoadArgs {
    /// The file
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    /// Write what was loaded to OUT
    #[arg(long, value_name = "OUT")]
    pub(crate) output: Option<PathBuf>,

    /// Make it the newest snapshot of RUN, which is made when it is missing
    #[arg(long, value_name = "RUN")]
    pub(crate) run: Option<String>,

    /// Replace OUT when it exists
    #[arg(long, requires = "output")]
    pub(crate) force: bool,
}

/// Loads.
pub(crate) async fn run(cx: &Context, args: TrainingLoadArgs) -> CommandResult {
    let snapshot = files::read(&path_of(cx, &args.file)?)?;
    let facts = Facts::of(&snapshot);
    let mut report = json!(facts);
    if let Some(output) = &args.output {
        let written = save::write(cx, &snapshot, path_of(cx, output)?, true, args.force)?;
        report["output"] = json!({"file": output.display().to_string(), "size_bytes": written.bytes});
    }
    let mut saved = None;
    if let Some(name) = &args.run {
        let runs = Runs::create(cx).await?;
        let run = runs.run_of(name).await?;
        let new = NewTrainingSnapshot { trigger: TrainingTrigger::Import, ..NewTrainingSnapshot::default() };
        let stored =
            runs.service.save_training(&runs.caller, &run.id, snapshot, &new, &quiet_run(cx)).await?;
        report["snapshot"] = json!(stored.snapshot);
        saved = Some(stored.snapshot);
    }
    cx.output.result(&report, |out, _| {
        writeln!(out, "✓ Snapshot file verification passed")?;
        facts.write(out)?;
        writeln!(out, "✓ Successfully loaded network from snapshot")?;
        if let Some(output) = &args.output {
            writeln!(out, "Written to {}", output.display())?;
        }
        match &saved {
            Some(saved) => writeln!(out, "Saved as {}", described(saved)),
            None => Ok(()),
        }
    })?;
    Ok(Exit::Done)
}
