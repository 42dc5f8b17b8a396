//! `backstay execution fork`

use backstay_api::execution::ForkExecution;
use clap::Args;

use super::state;
use crate::backend::executions::{Executions, PlaceArgs};
use crate::context::Context;
use crate::failure::{CommandResult, Exit};

/// Start an execution from the state of another one, to try again or another way
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay execution fork exec_nightly_1767435330_9f3a01bc --reason 'the disk was full'
  backstay execution fork exec_nightly_1767435330_9f3a01bc --checkpoint load_1767435330_9f3a01bc --job nightly")]
pub(crate) struct ExecutionForkArgs {
    /// The execution, which stays as it is
    #[arg(value_name = "EXECUTION")]
    pub(crate) execution: String,

    /// The checkpoint of its job to begin with [default: the one at which it stands]
    #[arg(long, value_name = "ID")]
    pub(crate) checkpoint: Option<String>,

    /// What you call the new one [default: as the old one]
    #[arg(long, value_name = "TEXT")]
    pub(crate) correlation: Option<String>,

    /// Its job [default: one of its own]
    #[arg(long, value_name = "JOB")]
    pub(crate) job: Option<String>,

    /// Why, for the history
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,

    #[command(flatten)]
    pub(crate) place: PlaceArgs,
}

/// Forks it and prints the id of the new one.
pub(crate) async fn run(cx: &Context, args: ExecutionForkArgs) -> CommandResult {
    let how = ForkExecution {
        correlation_id: args.correlation,
        job_id: args.job,
        checkpoint_id: args.checkpoint,
        reason: args.reason,
    };
    let forked = Executions::open(cx, &args.place).await?.fork(&args.execution, how).await?;
    cx.output.note(&format!("The execution is {}", state(&forked)));
    cx.output.result(&forked, |out, _| writeln!(out, "{}", forked.execution_id))?;
    Ok(Exit::Done)
}
