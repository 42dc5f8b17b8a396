//! `backstay checkpoint diff`

use backstay_api::checkpoint::DiffQuery;
use clap::Args;

use super::{ProjectArgs, checkpoints};
use crate::context::Context;
use crate::failure::{CommandResult, Exit};

/// Compare the states of two checkpoints; as JSON with a JSON Patch
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay checkpoint diff load_1767435330_9f3a01bc sum_1767435390_00c41d2e")]
pub(crate) struct CheckpointDiffArgs {
    /// The old checkpoint
    #[arg(value_name = "FROM")]
    pub(crate) from: String,

    /// The new checkpoint
    #[arg(value_name = "TO")]
    pub(crate) to: String,

    #[command(flatten)]
    pub(crate) project: ProjectArgs,
}

/// Compares them.
pub(crate) async fn run(cx: &Context, args: CheckpointDiffArgs) -> CommandResult {
    let api = checkpoints(cx, &args.project)?;
    let diff = api.diff(&DiffQuery { from: args.from, to: args.to }).await?;
    cx.output.result(&diff, |out, _| {
        diff.changes.iter().try_for_each(|change| {
            let shown = |value: &Option<Box<serde_json::value::RawValue>>| {
                value.as_ref().map_or_else(|| "nothing".to_owned(), |value| value.get().to_owned())
            };
            writeln!(out, "{:8} {}  {} -> {}", change.op, change.path, shown(&change.old), shown(&change.new))
        })
    })?;
    Ok(Exit::Done)
}
