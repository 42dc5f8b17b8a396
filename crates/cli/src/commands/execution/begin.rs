//! `backstay execution begin`

use backstay_api::execution::{NewApproval, NewStep};
use clap::Args;

use crate::backend::executions::{Executions, PlaceArgs};
use crate::commands::checkpoint::json;
use crate::context::Context;
use crate::failure::{CommandResult, Exit};

/// Begin a step of an execution
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay execution begin exec_nightly_1767435330_9f3a01bc load --agent worker-1
  backstay execution begin exec_nightly_1767435330_9f3a01bc send --agent worker-1 --approval 'Send it?' --timeout 3600")]
pub(crate) struct ExecutionBeginArgs {
    /// The execution
    #[arg(value_name = "EXECUTION")]
    pub(crate) execution: String,

    /// The name of the step
    #[arg(value_name = "NAME")]
    pub(crate) name: String,

    /// Who carries it out
    #[arg(long, value_name = "AGENT")]
    pub(crate) agent: String,

    /// What it works on: a JSON object
    #[arg(long, value_name = "JSON")]
    pub(crate) input: Option<String>,

    /// Ask for an approval first: what is to be decided
    #[arg(long, value_name = "TITLE")]
    pub(crate) approval: Option<String>,

    /// Until when it can be decided, in seconds from now; then it is denied
    #[arg(long, value_name = "SECONDS", requires = "approval")]
    pub(crate) timeout: Option<u64>,

    /// Another person than the one who asks must approve
    #[arg(long, requires = "approval")]
    pub(crate) four_eyes: bool,

    #[command(flatten)]
    pub(crate) place: PlaceArgs,
}

/// Begins it and prints its id.
pub(crate) async fn run(cx: &Context, args: ExecutionBeginArgs) -> CommandResult {
    let asked = args.approval.map(|title| NewApproval {
        title: Some(title),
        timeout_s: args.timeout,
        four_eyes: args.four_eyes,
        ..NewApproval::default()
    });
    let new = NewStep {
        checkpoint_name: args.name,
        agent_id: args.agent,
        input_data: args.input.as_deref().map(|input| json("input", input)).transpose()?,
        approval_required: asked.is_some(),
        approval: asked,
        metadata: None,
    };
    let step = Executions::open(cx, &args.place).await?.create_step(&args.execution, new).await?;
    cx.output.note(&format!("the step is {}", step.state));
    cx.output.result(&step, |out, _| writeln!(out, "{}", step.step_id))?;
    Ok(Exit::Done)
}
