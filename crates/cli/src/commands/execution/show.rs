//! `backstay execution show`

use backstay_api::execution::{Execution, Step};
use clap::Args;
use serde::Serialize;

use super::state;
use crate::backend::executions::{Executions, PlaceArgs};
use crate::context::Context;
use crate::failure::{CommandResult, Exit};
use crate::human;
use crate::render::table::{Align, Table};

/// Show an execution with its steps
#[derive(Debug, Args)]
pub(crate) struct ExecutionShowArgs {
    /// The execution
    #[arg(value_name = "EXECUTION")]
    pub(crate) execution: String,

    #[command(flatten)]
    pub(crate) place: PlaceArgs,
}

#[derive(Serialize)]
struct Shown {
    execution: Execution,
    checkpoints: Vec<Step>,
}

/// Shows it.
pub(crate) async fn run(cx: &Context, args: ExecutionShowArgs) -> CommandResult {
    let api = Executions::open(cx, &args.place).await?;
    let execution = api.get(&args.execution).await?;
    let mut checkpoints = Vec::new();
    loop {
        let page = api.steps(&args.execution, checkpoints.len() as u64, 1000).await?;
        let last = page.checkpoints.is_empty();
        checkpoints.extend(page.checkpoints);
        if last || checkpoints.len() as u64 >= page.total {
            break;
        }
    }
    let shown = Shown { execution, checkpoints };
    cx.output.result(&shown, |out, style| {
        let execution = &shown.execution;
        writeln!(out, "{}  {}", human::one_line(&execution.workflow_name), state(execution))?;
        let mut table = Table::new(&[
            ("STEP", Align::Left),
            ("NAME", Align::Left),
            ("STATE", Align::Left),
            ("APPROVAL", Align::Left),
        ]);
        for step in &shown.checkpoints {
            table.row(vec![
                step.step_id.clone(),
                human::one_line(&step.checkpoint_name),
                step.state.to_string(),
                step.approval_status.map(|status| status.to_string()).unwrap_or_default(),
            ]);
        }
        table.write(out, style)
    })?;
    Ok(Exit::Done)
}
