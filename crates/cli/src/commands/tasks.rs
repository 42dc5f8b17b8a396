//! `backstay tasks`

use backstay_api::task::TaskQuery;
use clap::{Args, Subcommand};
use serde_json::json;

use super::workspaces::server;
use crate::backend::remote::task;
use crate::context::Context;
use crate::failure::{CommandResult, Exit, Failure};
use crate::render;

/// Watch and cancel the background work of a server
///
/// Needs --server.
#[derive(Debug, Subcommand)]
pub(crate) enum TasksCommand {
    List(TasksListArgs),
    Show(TasksShowArgs),
    Cancel(TasksCancelArgs),
}

/// List tasks, newest first
#[derive(Debug, Args)]
pub(crate) struct TasksListArgs {
    /// Show at most N, 1 to 1000
    #[arg(long, short = 'n', value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) limit: u32,

    /// Only tasks in this state: queued, running, done, failed or cancelled
    #[arg(long, value_name = "STATE")]
    pub(crate) state: Option<String>,
}

/// Show a task
#[derive(Debug, Args)]
pub(crate) struct TasksShowArgs {
    /// The task's id
    #[arg(value_name = "TASK")]
    pub(crate) task: String,

    /// Follow it to its end
    #[arg(long)]
    pub(crate) follow: bool,
}

/// Cancel a task
#[derive(Debug, Args)]
pub(crate) struct TasksCancelArgs {
    /// The task's id
    #[arg(value_name = "TASK")]
    pub(crate) task: String,
}

/// Runs the command.
pub(crate) async fn run(cx: &Context, command: TasksCommand) -> CommandResult {
    let client = server(cx)?;
    match command {
        TasksCommand::List(args) => {
            let state = args.state.map(|word| {
                serde_json::from_value(json!(word)).map_err(|_| {
                    Failure::usage(format!("`{word}` is not queued, running, done, failed or cancelled"))
                })
            });
            let query =
                TaskQuery { state: state.transpose()?, limit: Some(args.limit), ..TaskQuery::default() };
            let page = client.list_tasks(&query).await?;
            cx.output.result(&page, |out, style| render::task::list(out, style, &page.tasks))?;
            Ok(Exit::Done)
        }
        TasksCommand::Show(args) => {
            let task = if args.follow {
                task::finish(&client, cx, "Following", &args.task).await?
            } else {
                client.get_task(&args.task).await?
            };
            cx.output.result(&task, |out, style| render::task::details(out, style, &task))?;
            Ok(Exit::Done)
        }
        TasksCommand::Cancel(args) => {
            let task = client.cancel_task(&args.task).await?;
            cx.output.result(&task, |out, _| writeln!(out, "asked {} to end", task.id))?;
            Ok(Exit::Done)
        }
    }
}
