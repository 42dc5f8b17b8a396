//! `backstay execution pause`, `resume`, `complete`, `fail` and `cancel`

use backstay_api::execution::SteerExecution;
use backstay_service::view::Steer;
use clap::Args;

use super::state;
use crate::backend::executions::{Executions, PlaceArgs};
use crate::context::Context;
use crate::failure::{CommandResult, Exit};

/// What each of these takes.
#[derive(Debug, Args)]
pub(crate) struct ExecutionSteerArgs {
    /// The execution
    #[arg(value_name = "EXECUTION")]
    pub(crate) execution: String,

    /// Why, for the history
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,

    /// The open step at which it happens, for the history
    #[arg(long, value_name = "NAME")]
    pub(crate) checkpoint: Option<String>,

    #[command(flatten)]
    pub(crate) place: PlaceArgs,
}

/// Does it.
pub(crate) async fn run(cx: &Context, steer: Steer, args: ExecutionSteerArgs) -> CommandResult {
    let how = SteerExecution { reason: args.reason, checkpoint_name: args.checkpoint };
    let execution = Executions::open(cx, &args.place).await?.steer(&args.execution, steer, &how).await?;
    cx.output.result(&execution, |out, _| writeln!(out, "{}", state(&execution)))?;
    Ok(Exit::Done)
}
