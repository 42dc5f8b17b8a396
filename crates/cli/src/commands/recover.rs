//! `backstay recover`

use clap::Args;

use crate::args::Changing;
use crate::backend::{Backend, on};
use crate::context::Context;
use crate::failure::{CommandResult, Exit};

/// Finish or take back an operation that was cut off
///
/// Every changing command does this first by itself. An operation that had not committed is taken back, one that had is
/// finished.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay recover
  backstay recover --backward     put the state before the operation back, even if it had committed")]
pub(crate) struct RecoverArgs {
    /// Go back to the state before the operation
    #[arg(long)]
    pub(crate) backward: bool,

    #[command(flatten)]
    pub(crate) changing: Changing,
}

/// Finishes or takes back.
pub(crate) async fn run(cx: &Context, args: RecoverArgs) -> CommandResult {
    let backend = Backend::open(cx).await?;
    let report = on!(backend, recover(cx, args.backward, args.changing))?;
    cx.output.result(&report, |out, _| {
        for id in &report.rolled_forward {
            writeln!(out, "finished {id}")?;
        }
        let took_back = if args.changing.dry_run { "would end" } else { "took back" };
        for id in &report.rolled_back {
            writeln!(out, "{took_back} {id}")?;
        }
        for id in &report.closed_snapshots {
            writeln!(out, "closed {id} as failed")?;
        }
        if report.rolled_forward.is_empty()
            && report.rolled_back.is_empty()
            && report.closed_snapshots.is_empty()
        {
            writeln!(out, "nothing to recover")?;
        }
        Ok(())
    })?;
    Ok(Exit::Done)
}
