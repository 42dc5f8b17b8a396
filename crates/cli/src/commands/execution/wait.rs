//! `backstay execution wait`

use backstay_model::execution::StepState;
use clap::Args;

use crate::backend::executions::{Executions, PlaceArgs};
use crate::context::Context;
use crate::failure::{CommandResult, Exit};

/// Wait until a step may act or has ended
///
/// Exit code 0: it may act, or ended well; 1: it may not act.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay execution wait exec_nightly_1767435330_9f3a01bc step_send_1767435331_11c0ffee && ./send")]
pub(crate) struct ExecutionWaitArgs {
    /// The execution
    #[arg(value_name = "EXECUTION")]
    pub(crate) execution: String,

    /// The step
    #[arg(value_name = "STEP")]
    pub(crate) step: String,

    /// For how long, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u32).range(0..=300))]
    pub(crate) timeout: u32,

    #[command(flatten)]
    pub(crate) place: PlaceArgs,
}

/// Waits.
pub(crate) async fn run(cx: &Context, args: ExecutionWaitArgs) -> CommandResult {
    let api = Executions::open(cx, &args.place).await?;
    let step = api.wait_step(&args.execution, &args.step, args.timeout).await?;
    cx.output.result(&step, |out, _| writeln!(out, "{}", step.state))?;
    let good = matches!(step.state, StepState::Active | StepState::Completed);
    Ok(if good { Exit::Done } else { Exit::Negative })
}
