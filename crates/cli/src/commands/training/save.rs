//! `backstay training save`

use std::io::Write;
use std::path::PathBuf;

use backstay_model::ErrorKind;
use backstay_source_training::{Snapshot, group_size};
use clap::Args;
use serde_json::json;

use super::files::NewFile;
use super::{load_named, path_of};
use crate::context::Context;
use crate::failure::{CommandResult, Exit, Failure};
use crate::human;

/// Write a network as an HDF5 file for other tools
///
/// The file holds the network. With --include-training it holds the whole snapshot, with which training goes on, and is the same file
/// that `export` writes.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay training save spirals network.h5
  backstay training save spirals:best network.h5 --include-training")]
pub(crate) struct TrainingSaveArgs {
    /// A run (its present state), RUN:LABEL, an id, or a file
    #[arg(value_name = "SNAPSHOT")]
    pub(crate) network: String,

    /// The file to write
    #[arg(value_name = "OUT")]
    pub(crate) out: PathBuf,

    /// With history, optimizer, candidates and data
    #[arg(long)]
    pub(crate) include_training: bool,

    /// Replace OUT when it exists
    #[arg(long)]
    pub(crate) force: bool,
}

/// Writes the file.
pub(crate) async fn run(cx: &Context, args: TrainingSaveArgs) -> CommandResult {
    let snapshot = load_named(cx, &args.network).await?;
    let out = path_of(cx, &args.out)?;
    let written = write(cx, &snapshot, out, args.include_training, args.force)?;
    let report = json!({
        "file": args.out.display().to_string(),
        "size_bytes": written.bytes,
        "groups": written.groups,
        "datasets": written.datasets,
        "exact": args.include_training && snapshot.missing().is_empty(),
    });
    cx.output.result(&report, |text, _| {
        writeln!(text, "✓ Successfully saved network snapshot to {}", args.out.display())?;
        writeln!(text, "File size: {} bytes", human::grouped(written.bytes))?;
        writeln!(text, "Groups: {}", written.groups)?;
        writeln!(text, "Datasets: {}", written.datasets)
    })?;
    Ok(Exit::Done)
}

/// What was written.
pub(super) struct Written {
    pub(super) bytes: u64,
    pub(super) groups: u64,
    pub(super) datasets: u64,
}

/// Writes a snapshot whole or not at all.
pub(super) fn write(
    cx: &Context,
    snapshot: &Snapshot,
    path: PathBuf,
    whole: bool,
    force: bool,
) -> Result<Written, Failure> {
    let root = if whole { snapshot.group() } else { snapshot.network_group() };
    let (groups, datasets) = group_size(&root);
    let shown = path.display().to_string();
    let failed = |error: &dyn std::fmt::Display| {
        Failure::new(ErrorKind::Internal, format!("cannot write {shown}")).because(error.to_string())
    };
    let plan = root.plan().map_err(|error| failed(&error))?;
    let suffix = backstay_model::id::random_suffix(&*cx.rng, 8);
    let (file, mut out) = NewFile::begin(path, force, &suffix)?;
    plan.write(&mut out).map_err(|error| failed(&error))?;
    out.flush().map_err(|error| Failure::io(format!("cannot write {shown}"), &error))?;
    drop(out);
    Ok(Written { bytes: file.finish()?, groups, datasets })
}
