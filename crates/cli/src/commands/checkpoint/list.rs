//! `backstay checkpoint list`

use backstay_api::checkpoint::{CheckpointQuery, Order};
use clap::Args;

use super::{JobArgs, checkpoints, table};
use crate::context::Context;
use crate::failure::{CommandResult, Exit};

/// List the checkpoints of a job
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay checkpoint list --job nightly
  backstay checkpoint list --job nightly --newest --limit 5")]
pub(crate) struct CheckpointListArgs {
    #[command(flatten)]
    pub(crate) job: JobArgs,

    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) limit: u32,

    /// Newest first
    #[arg(long)]
    pub(crate) newest: bool,

    /// Only those with this step name
    #[arg(long, value_name = "NAME")]
    pub(crate) step: Option<String>,
}

/// Lists them.
pub(crate) async fn run(cx: &Context, args: CheckpointListArgs) -> CommandResult {
    let api = checkpoints(cx, &args.job.project)?;
    let query = CheckpointQuery {
        job_id: args.job.job,
        limit: Some(args.limit),
        offset: None,
        order: args.newest.then_some(Order::Desc),
        step_name: args.step,
    };
    let list = api.list(&query).await?;
    cx.output.result(&list, |out, style| table(out, style, &list.checkpoints))?;
    Ok(Exit::Done)
}
