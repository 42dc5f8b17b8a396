//! `backstay execution cleanup`

use clap::Args;

use crate::backend::executions::{Executions, PlaceArgs};
use crate::context::Context;
use crate::failure::{CommandResult, Exit};

/// Remove executions that ended long ago; their checkpoints and events stay
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay execution cleanup --dry-run
  backstay execution cleanup --days 90")]
pub(crate) struct ExecutionCleanupArgs {
    /// Those that ended more than N days ago
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u32).range(0..=36500))]
    pub(crate) days: u32,

    /// Only tell which
    #[arg(long)]
    pub(crate) dry_run: bool,

    #[command(flatten)]
    pub(crate) place: PlaceArgs,
}

/// Removes them.
pub(crate) async fn run(cx: &Context, args: ExecutionCleanupArgs) -> CommandResult {
    let api = Executions::open(cx, &args.place).await?;
    let cleaned = api.clean(args.days, args.dry_run).await?;
    cx.output.result(&cleaned, |out, _| {
        for id in &cleaned.deleted {
            writeln!(out, "{id}")?;
        }
        Ok(())
    })?;
    if cleaned.more {
        cx.output.note("There are more: run it again");
    }
    Ok(Exit::Done)
}
