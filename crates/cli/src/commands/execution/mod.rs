//! `backstay execution`

mod begin;
mod cleanup;
mod end;
mod events;
mod fork;
mod list;
mod show;
mod start;
mod steer;
mod wait;

use std::io;

use backstay_api::execution::Execution;
use backstay_service::view::Steer;
use clap::Subcommand;

use crate::context::Context;
use crate::failure::CommandResult;
use crate::human;
use crate::render::table::{Align, Table};
use crate::style::Style;

/// Executions of workflows: start, steps, list, show, pause, resume, end, fork
///
/// Works on the server that --server names, else on its data directory.
#[derive(Debug, Subcommand)]
pub(crate) enum ExecutionCommand {
    Start(start::ExecutionStartArgs),
    List(list::ExecutionListArgs),
    Show(show::ExecutionShowArgs),
    Events(events::ExecutionEventsArgs),
    Begin(begin::ExecutionBeginArgs),
    Wait(wait::ExecutionWaitArgs),
    End(end::ExecutionEndArgs),
    /// Pause an execution: its active steps must not act until it is resumed
    Pause(steer::ExecutionSteerArgs),
    /// Resume a paused execution, unless an approval is pending
    Resume(steer::ExecutionSteerArgs),
    /// End an execution well, when every step has ended
    Complete(steer::ExecutionSteerArgs),
    /// End an execution with an error
    Fail(steer::ExecutionSteerArgs),
    /// End an execution; open steps are skipped
    Cancel(steer::ExecutionSteerArgs),
    Fork(fork::ExecutionForkArgs),
    Cleanup(cleanup::ExecutionCleanupArgs),
}

/// Runs the command.
pub(crate) async fn run(cx: &Context, command: ExecutionCommand) -> CommandResult {
    match command {
        ExecutionCommand::Start(args) => start::run(cx, args).await,
        ExecutionCommand::List(args) => list::run(cx, args).await,
        ExecutionCommand::Show(args) => show::run(cx, args).await,
        ExecutionCommand::Events(args) => events::run(cx, args).await,
        ExecutionCommand::Begin(args) => begin::run(cx, args).await,
        ExecutionCommand::Wait(args) => wait::run(cx, args).await,
        ExecutionCommand::End(args) => end::run(cx, args).await,
        ExecutionCommand::Pause(args) => steer::run(cx, Steer::Pause, args).await,
        ExecutionCommand::Resume(args) => steer::run(cx, Steer::Resume, args).await,
        ExecutionCommand::Complete(args) => steer::run(cx, Steer::Complete, args).await,
        ExecutionCommand::Fail(args) => steer::run(cx, Steer::Fail, args).await,
        ExecutionCommand::Cancel(args) => steer::run(cx, Steer::Cancel, args).await,
        ExecutionCommand::Fork(args) => fork::run(cx, args).await,
        ExecutionCommand::Cleanup(args) => cleanup::run(cx, args).await,
    }
}

/// Executions as a table.
fn table(out: &mut dyn io::Write, style: Style, executions: &[Execution]) -> io::Result<()> {
    let mut table = Table::new(&[
        ("ID", Align::Left),
        ("WORKFLOW", Align::Left),
        ("STATE", Align::Left),
        ("STEPS", Align::Right),
        ("STARTED", Align::Left),
    ]);
    for execution in executions {
        table.row(vec![
            execution.execution_id.clone(),
            human::one_line(&execution.workflow_name),
            state(execution),
            format!("{}/{}", execution.completed_checkpoints, execution.total_checkpoints),
            execution.started_at.to_string(),
        ]);
    }
    table.write(out, style)
}

/// `paused (approval, user)`.
fn state(execution: &Execution) -> String {
    let reasons: Vec<&str> = execution.pause_reasons.iter().map(|reason| reason.as_str()).collect();
    if reasons.is_empty() {
        return execution.state.to_string();
    }
    format!("{} ({})", execution.state, reasons.join(", "))
}
