//! `backstay checkpoint delete`

use clap::Args;
use serde_json::json;

use super::{OneArgs, checkpoints, id_of};
use crate::args::Changing;
use crate::context::Context;
use crate::failure::{CommandResult, Exit};

/// Delete a checkpoint
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay checkpoint delete --checkpoint load_1767435330_9f3a01bc")]
pub(crate) struct CheckpointDeleteArgs {
    #[command(flatten)]
    pub(crate) one: OneArgs,

    #[command(flatten)]
    pub(crate) changing: Changing,
}

/// Deletes it.
pub(crate) async fn run(cx: &Context, args: CheckpointDeleteArgs) -> CommandResult {
    let api = checkpoints(cx, &args.one.project)?;
    let id = id_of(&api, &args.one).await?;
    let dry_run = args.changing.dry_run;
    if !dry_run {
        api.delete(&id).await?;
    }
    cx.output.result(&json!({"checkpoint_id": id, "dry_run": dry_run}), |out, _| {
        writeln!(out, "{} {id}", if dry_run { "would delete" } else { "deleted" })
    })?;
    Ok(Exit::Done)
}
