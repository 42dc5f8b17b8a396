//! `backstay undo`

use std::time::Instant;

use clap::Args;

use super::restore::{exit, report};
use crate::args::Changing;
use crate::backend::{Backend, on};
use crate::context::Context;
use crate::failure::{CommandResult, Exit};
use crate::render;

/// Undo the last restore, or another operation
///
/// Undo is a new operation with its own safety snapshot: undoing it redoes. It touches only what the operation changed;
/// a path that was edited since is a conflict, and then nothing happens without --force.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay undo
  backstay undo --list
  backstay undo op-1767435330123456-k3v9q2xa --force")]
pub(crate) struct UndoArgs {
    /// The operation to undo (default: the last one)
    #[arg(value_name = "OPERATION", conflicts_with = "list")]
    pub(crate) operation: Option<String>,

    /// List the operations that can be undone
    #[arg(long)]
    pub(crate) list: bool,

    /// Also overwrite paths that were edited since
    #[arg(long)]
    pub(crate) force: bool,

    #[command(flatten)]
    pub(crate) changing: Changing,
}

/// Undoes an operation, or lists what can be undone.
pub(crate) async fn run(cx: &Context, args: UndoArgs) -> CommandResult {
    let backend = Backend::open(cx).await?;
    if args.list {
        let page = on!(backend, operations())?;
        cx.output.result(&page, |out, style| render::operation::list(out, style, &page.operations))?;
        if page.operations.is_empty() {
            cx.output.note("there is nothing to undo");
        }
        return Ok(Exit::Done);
    }
    let operation = match args.operation {
        Some(operation) => operation,
        None => on!(backend, last_operation())?,
    };
    if args.changing.dry_run {
        let plan = on!(backend, plan_undo(cx, &operation, args.force))?;
        cx.output.result(&plan, |out, style| {
            for change in &plan.changes {
                render::change::line(out, style, change)?;
            }
            writeln!(out, "undo {operation}: {}", render::change::summary(&plan.summary))
        })?;
        return Ok(Exit::Done);
    }
    let started = Instant::now();
    let done = on!(backend, undo(cx, &operation, args.force, args.changing.wait))?;
    report(cx, &done, &format!("undid {operation}"), started)?;
    cx.output.hint("`backstay undo` once more redoes it");
    Ok(exit(done.not_restored.is_empty()))
}
