//! `backstay recover`

use clap::Args;

use crate::args::Changing;
use crate::backend::Backend;
use crate::context::Context;
use crate::failure::{CommandResult, Exit, Failure};

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
    let Backend::Local(local) = Backend::open(cx).await? else {
        return Err(Failure::usage(
            "recover works on the machine of the workspace; a server recovers by itself",
        )
        .hint("leave out --server"));
    };
    let report = local.recover(cx, args.backward, args.changing).await?;
    cx.output.result(&report, |out, _| {
        for id in &report.rolled_forward {
            writeln!(out, "finished {id}")?;
        }
        for id in &report.rolled_back {
            writeln!(out, "took back {id}")?;
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
