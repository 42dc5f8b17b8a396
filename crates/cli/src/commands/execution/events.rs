//! `backstay execution events`

use backstay_api::execution::ExecutionEvents;
use clap::Args;

use crate::backend::executions::{Executions, PlaceArgs};
use crate::context::Context;
use crate::failure::{CommandResult, Exit};
use crate::human;

/// Show what happened to an execution, oldest first
#[derive(Debug, Args)]
pub(crate) struct ExecutionEventsArgs {
    /// The execution
    #[arg(value_name = "EXECUTION")]
    pub(crate) execution: String,

    #[command(flatten)]
    pub(crate) place: PlaceArgs,
}

/// Shows it.
pub(crate) async fn run(cx: &Context, args: ExecutionEventsArgs) -> CommandResult {
    let api = Executions::open(cx, &args.place).await?;
    let mut all = ExecutionEvents { events: Vec::new(), next: None };
    loop {
        let page = api.events(&args.execution, all.next.unwrap_or(0), 1000).await?;
        all.events.extend(page.events);
        all.next = page.next;
        if all.next.is_none() {
            break;
        }
    }
    cx.output.result(&all, |out, _| {
        for event in &all.events {
            let name = event.data.get("checkpoint_name").and_then(|name| name.as_str()).unwrap_or_default();
            let (action, by) = (&event.action, human::one_line(&event.actor.name));
            writeln!(out, "{}  {action}  {}  {by}", event.timestamp, human::one_line(name))?;
        }
        Ok(())
    })?;
    Ok(Exit::Done)
}
