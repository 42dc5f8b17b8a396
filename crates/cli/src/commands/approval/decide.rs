//! `backstay approval approve` and `backstay approval deny`

use backstay_api::execution::{NewDecision, Step};
use clap::Args;

use crate::backend::executions::{Executions, PlaceArgs};
use crate::context::Context;
use crate::failure::{CommandResult, Exit, Failure};

/// Which approval.
#[derive(Debug, Args)]
pub(crate) struct WhichArgs {
    /// The execution
    #[arg(value_name = "EXECUTION")]
    pub(crate) execution: String,

    /// The step that waits
    #[arg(value_name = "STEP")]
    pub(crate) step: String,

    #[command(flatten)]
    pub(crate) place: PlaceArgs,
}

/// Approve a step that waits
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay approval approve exec_nightly_1767435330_9f3a01bc step_send_1767435331_11c0ffee
  backstay approval approve exec_nightly_1767435330_9f3a01bc step_send_1767435331_11c0ffee --values '{\"amount\": 3}'")]
pub(crate) struct ApprovalApproveArgs {
    #[command(flatten)]
    pub(crate) which: WhichArgs,

    /// Why
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,

    /// The values that the form asks for, as JSON
    #[arg(long, value_name = "JSON")]
    pub(crate) values: Option<String>,
}

/// Deny a step that waits
#[derive(Debug, Args)]
pub(crate) struct ApprovalDenyArgs {
    #[command(flatten)]
    pub(crate) which: WhichArgs,

    /// Why
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
}

/// Approves it.
pub(crate) async fn approve(cx: &Context, args: ApprovalApproveArgs) -> CommandResult {
    let values = args.values.as_deref().map(serde_json::from_str).transpose();
    let values = values.map_err(|error| Failure::usage(format!("the values are not JSON: {error}")))?;
    let (execution, step) = (&args.which.execution, &args.which.step);
    let decision = NewDecision { reason: args.reason, values };
    let step = Executions::open(cx, &args.which.place).await?.decide(execution, step, true, decision).await?;
    told(cx, &step)
}

/// Denies it.
pub(crate) async fn deny(cx: &Context, args: ApprovalDenyArgs) -> CommandResult {
    let (execution, step) = (&args.which.execution, &args.which.step);
    let decision = NewDecision { reason: Some(args.reason), values: None };
    let step =
        Executions::open(cx, &args.which.place).await?.decide(execution, step, false, decision).await?;
    told(cx, &step)
}

fn told(cx: &Context, step: &Step) -> CommandResult {
    let status = step.approval_status.map(|status| status.to_string()).unwrap_or_default();
    cx.output.result(step, |out, _| writeln!(out, "{status}; the step is {}", step.state))?;
    Ok(Exit::Done)
}
