//! `backstay execution list`

use backstay_api::execution::ExecutionQuery;
use clap::Args;

use super::table;
use crate::backend::executions::{Executions, PlaceArgs};
use crate::context::Context;
use crate::failure::{CommandResult, Exit};

/// List executions, newest first
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay execution list
  backstay execution list --state paused --workflow nightly")]
pub(crate) struct ExecutionListArgs {
    /// Only those in this state
    #[arg(long, value_name = "STATE", value_parser = ["running", "paused", "completed", "failed", "cancelled"])]
    pub(crate) state: Option<String>,

    /// Only those of this workflow
    #[arg(long, value_name = "NAME")]
    pub(crate) workflow: Option<String>,

    /// Only those of this job
    #[arg(long, value_name = "JOB")]
    pub(crate) job: Option<String>,

    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500))]
    pub(crate) limit: u32,

    #[command(flatten)]
    pub(crate) place: PlaceArgs,
}

/// Lists them.
pub(crate) async fn run(cx: &Context, args: ExecutionListArgs) -> CommandResult {
    let query = ExecutionQuery {
        state: args.state,
        workflow_name: args.workflow,
        job_id: args.job,
        limit: Some(args.limit),
        offset: None,
    };
    let list = Executions::open(cx, &args.place).await?.list(query).await?;
    cx.output.result(&list, |out, style| table(out, style, &list.executions))?;
    Ok(Exit::Done)
}
