//! `backstay list`

use clap::Args;

use crate::backend::{Backend, on};
use crate::context::Context;
use crate::failure::{CommandResult, Exit};
use crate::{human, render};

/// List the snapshots, newest first
#[derive(Debug, Args)]
#[command(
    visible_alias = "ls",
    after_long_help = "\
Examples:
  backstay list
  backstay list --limit 10 --offset 10
  backstay list --all --json"
)]
pub(crate) struct ListArgs {
    /// Show at most N, 1 to 1000
    #[arg(long, short = 'n', value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) limit: u32,

    /// Skip the newest N
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) offset: u64,

    /// Also undo points, failed and deleted ones
    #[arg(long, short)]
    pub(crate) all: bool,
}

/// Lists.
pub(crate) async fn run(cx: &Context, args: ListArgs) -> CommandResult {
    let backend = Backend::open(cx).await?;
    let page = on!(backend, list(args.limit, args.offset, args.all))?;
    cx.output.result(&page, |out, style| render::snapshot::list(out, style, &page.snapshots))?;
    let shown = page.snapshots.len() as u64;
    if page.total == 0 {
        cx.output.note("there are no snapshots yet");
        cx.output.hint("`backstay save` takes the first one");
    } else if args.offset + shown < page.total {
        cx.output.note(&format!("{shown} of {}", human::grouped(page.total)));
        cx.output.hint(&format!("`--offset {}` shows the next ones", args.offset + shown));
    }
    Ok(Exit::Done)
}
