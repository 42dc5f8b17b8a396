//! `backstay checkpoint show`

use clap::Args;

use super::{OneArgs, checkpoints, id_of};
use crate::context::Context;
use crate::failure::{CommandResult, Exit};

/// Show a checkpoint with its state
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay checkpoint show --job nightly
  backstay checkpoint show --checkpoint load_1767435330_9f3a01bc --json")]
pub(crate) struct CheckpointShowArgs {
    #[command(flatten)]
    pub(crate) one: OneArgs,
}

/// Shows it; as text only the state, as it was saved.
pub(crate) async fn run(cx: &Context, args: CheckpointShowArgs) -> CommandResult {
    let api = checkpoints(cx, &args.one.project)?;
    let found = api.get(&id_of(&api, &args.one).await?).await?;
    let state = found.state_snapshot.as_ref().map_or("null", |state| state.get());
    cx.output.result(&found, |out, _| writeln!(out, "{state}"))?;
    Ok(Exit::Done)
}
