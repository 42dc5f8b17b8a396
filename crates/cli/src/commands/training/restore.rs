//! `backstay training restore`

use clap::Args;

use super::{Runs, described};
use crate::context::Context;
use crate::failure::{CommandResult, Exit};
use crate::human;

/// Take a run back to one of its snapshots
///
/// Every checksum of the snapshot is checked first; when one is wrong, nothing is changed. `run NAME --resume` then goes on from it, bit
/// for bit. The state that is left stays as a snapshot for a week at least: restoring that takes the restore back. A process that trains
/// the run meanwhile is refused at its next save.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay training restore spirals:best --dry-run
  backstay training restore spirals:best")]
pub(crate) struct TrainingRestoreArgs {
    /// RUN:LABEL, or an id
    #[arg(value_name = "SNAPSHOT")]
    pub(crate) snapshot: String,

    /// Check everything, tell what would happen, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// Restores.
pub(crate) async fn run(cx: &Context, args: TrainingRestoreArgs) -> CommandResult {
    let runs = Runs::open(cx).await?;
    let found = runs.find(&args.snapshot).await?;
    let done = runs.service.restore_training(&runs.caller, &found.id, None, args.dry_run).await?;
    cx.output.result(&done, |out, _| {
        let name = human::one_line(&done.run_name);
        let from = done.left_epoch.map(|epoch| format!(" from epoch {epoch}")).unwrap_or_default();
        if args.dry_run {
            return writeln!(out, "{name} would go back{from} to {}", described(&found));
        }
        writeln!(out, "✓ {name} went back{from} to {}", described(&found))
    })?;
    if let (Some(left), false) = (&done.safety_snapshot_id, args.dry_run) {
        cx.output.hint(&format!("`backstay training restore {left}` takes this back"));
    }
    Ok(Exit::Done)
}
