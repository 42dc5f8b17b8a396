//! `backstay execution start`

use backstay_api::execution::NewExecution;
use clap::Args;

use super::state;
use crate::backend::executions::{Executions, PlaceArgs};
use crate::commands::checkpoint::json;
use crate::context::Context;
use crate::failure::{CommandResult, Exit};

/// Start an execution of a workflow
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay execution start nightly --correlation run-1
  backstay execution start nightly --correlation run-2 --job nightly --data '{\"day\": \"2026-01-03\"}'")]
pub(crate) struct ExecutionStartArgs {
    /// The name of the workflow
    #[arg(value_name = "WORKFLOW")]
    pub(crate) workflow: String,

    /// What you call this execution
    #[arg(long, value_name = "TEXT")]
    pub(crate) correlation: String,

    /// Its job [default: one of its own]
    #[arg(long, value_name = "JOB")]
    pub(crate) job: Option<String>,

    /// The data that it begins with: a JSON object
    #[arg(long, value_name = "JSON")]
    pub(crate) data: Option<String>,

    #[command(flatten)]
    pub(crate) place: PlaceArgs,
}

/// Starts it and prints its id.
pub(crate) async fn run(cx: &Context, args: ExecutionStartArgs) -> CommandResult {
    let api = Executions::open(cx, &args.place).await?;
    let new = NewExecution {
        correlation_id: args.correlation,
        workflow_name: args.workflow,
        initial_data: args.data.as_deref().map(|data| json("data", data)).transpose()?,
        job_id: args.job,
    };
    let started = api.start(new).await?;
    cx.output.note(&format!("The execution is {}", state(&started)));
    cx.output.result(&started, |out, _| writeln!(out, "{}", started.execution_id))?;
    Ok(Exit::Done)
}
