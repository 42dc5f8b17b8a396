//! `backstay checkpoint restore`

use backstay_api::checkpoint::RestoreCheckpoint;
use clap::Args;

use super::{OneArgs, checkpoints, id_of};
use crate::context::Context;
use crate::failure::{CommandResult, Exit};

/// Restore a checkpoint: print its state, and on request let the job go on from it
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay checkpoint restore --job nightly
  backstay checkpoint restore --checkpoint load_1767435330_9f3a01bc --resume --reason 'bad input'")]
pub(crate) struct CheckpointRestoreArgs {
    #[command(flatten)]
    pub(crate) one: OneArgs,

    /// Ask the job's executor to go on from the state
    #[arg(long)]
    pub(crate) resume: bool,

    /// Why, for the history
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
}

/// Restores it.
pub(crate) async fn run(cx: &Context, args: CheckpointRestoreArgs) -> CommandResult {
    let api = checkpoints(cx, &args.one.project)?;
    let how = RestoreCheckpoint { resume: args.resume, reason: args.reason };
    let restored = api.restore(&id_of(&api, &args.one).await?, &how).await?;
    cx.output.note(&restored.message);
    cx.output.result(&restored, |out, _| writeln!(out, "{}", restored.state))?;
    let resumed = !args.resume || restored.job_status == "resumed";
    Ok(if resumed { Exit::Done } else { Exit::Negative })
}
