//! `backstay execution end`

use std::path::PathBuf;

use backstay_api::execution::StepEnd;
use clap::Args;

use crate::backend::executions::{Executions, PlaceArgs};
use crate::commands::checkpoint::{json, read_text};
use crate::context::Context;
use crate::failure::{CommandResult, Exit};

/// End a step of an execution, with the state that it leaves
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay execution end exec_nightly_1767435330_9f3a01bc step_load_1767435331_11c0ffee --state state.json
  backstay execution end exec_nightly_1767435330_9f3a01bc step_load_1767435331_11c0ffee --failed --output '{\"error\": \"no disk\"}'")]
pub(crate) struct ExecutionEndArgs {
    /// The execution
    #[arg(value_name = "EXECUTION")]
    pub(crate) execution: String,

    /// The step
    #[arg(value_name = "STEP")]
    pub(crate) step: String,

    /// It failed, and the execution with it
    #[arg(long)]
    pub(crate) failed: bool,

    /// What it made: a JSON object; when it failed, its `error` says why
    #[arg(long, value_name = "JSON")]
    pub(crate) output: Option<String>,

    /// The state of the job after it: a file with a JSON object, or - for standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) place: PlaceArgs,
}

/// Ends it.
pub(crate) async fn run(cx: &Context, args: ExecutionEndArgs) -> CommandResult {
    let state = match &args.state {
        Some(path) => Some(json("state", &read_text(path)?)?),
        None => None,
    };
    let end = StepEnd {
        output_data: args.output.as_deref().map(|output| json("output", output)).transpose()?,
        success: !args.failed,
        state,
    };
    let api = Executions::open(cx, &args.place).await?;
    let step = api.complete_step(&args.execution, &args.step, end).await?;
    cx.output.result(&step, |out, _| writeln!(out, "{}", step.state))?;
    Ok(Exit::Done)
}
