//! `backstay checkpoint fork`

use std::path::PathBuf;

use backstay_api::checkpoint::ForkCheckpoint;
use clap::Args;

use super::{OneArgs, checkpoints, id_of, json, read_text};
use crate::context::Context;
use crate::failure::{CommandResult, Exit};

/// Save the state of a checkpoint as a new one, changed by a JSON Patch on request
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay checkpoint fork --job nightly --to nightly-retry
  backstay checkpoint fork --checkpoint load_1767435330_9f3a01bc --to nightly --patch fix.json")]
pub(crate) struct CheckpointForkArgs {
    #[command(flatten)]
    pub(crate) one: OneArgs,

    /// The job of the new one
    #[arg(long, value_name = "JOB")]
    pub(crate) to: String,

    /// A file with a JSON Patch (RFC 6902); `-` for standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) patch: Option<PathBuf>,
}

/// Forks it.
pub(crate) async fn run(cx: &Context, args: CheckpointForkArgs) -> CommandResult {
    let api = checkpoints(cx, &args.one.project)?;
    let patch = match &args.patch {
        Some(path) => Some(json("patch", &read_text(path)?)?),
        None => None,
    };
    let checkpoint_id = id_of(&api, &args.one).await?;
    let fork = ForkCheckpoint { checkpoint_id, job_id: args.to, step_name: None, patch, metadata: None };
    let made = api.fork(&fork).await?;
    cx.output.result(&made, |out, _| writeln!(out, "{}", made.checkpoint_id))?;
    Ok(Exit::Done)
}
