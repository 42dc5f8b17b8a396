//! `backstay training export`

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::files::NewFile;
use super::{Runs, described, path_of};
use crate::context::Context;
use crate::failure::{CommandResult, Exit};
use crate::human;

/// Write a snapshot of the repository as an HDF5 file: the same bytes every time
///
/// The file holds all of the snapshot: `import` or `load --run` takes it up, on this machine or another one, and training goes on bit for
/// bit. It appears under its name when it is whole and its checksum is that of the snapshot.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay training export spirals spirals.h5
  backstay training export spirals:best best.h5")]
pub(crate) struct TrainingExportArgs {
    /// A run (its present state), RUN:LABEL, or an id
    #[arg(value_name = "SNAPSHOT")]
    pub(crate) snapshot: String,

    /// The file to write
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    /// Replace FILE when it exists
    #[arg(long)]
    pub(crate) force: bool,
}

/// Exports.
pub(crate) async fn run(cx: &Context, args: TrainingExportArgs) -> CommandResult {
    let runs = Runs::open(cx).await?;
    let found = runs.find(&args.snapshot).await?;
    let suffix = backstay_model::id::random_suffix(&*cx.rng, 8);
    let (file, out) = NewFile::begin(path_of(cx, &args.file)?, args.force, &suffix)?;
    let exported = runs.service.export_training(&runs.caller, &found.id, out).await?;
    let bytes = file.finish()?;
    let report = json!({
        "file": args.file.display().to_string(),
        "size_bytes": bytes,
        "sha256": exported.sha256,
        "snapshot": exported,
    });
    cx.output.result(&report, |text, _| {
        writeln!(text, "✓ Exported {} to {}", described(&exported), args.file.display())?;
        writeln!(text, "File size: {} bytes", human::grouped(bytes))?;
        writeln!(text, "SHA-256: {}", exported.sha256)
    })?;
    Ok(Exit::Done)
}
