//! `backstay pin` and `backstay unpin`

use clap::Args;
use serde_json::json;

use crate::args::Changing;
use crate::backend::{Backend, on};
use crate::context::Context;
use crate::failure::{CommandResult, Exit};

/// Protect snapshots from deletion
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay pin latest")]
pub(crate) struct PinArgs {
    /// The snapshots: ids, unique prefixes, `latest` or `latest~N`
    #[arg(value_name = "ID", required = true)]
    pub(crate) ids: Vec<String>,

    #[command(flatten)]
    pub(crate) changing: Changing,
}

/// Take back the protection that `pin` gave
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay unpin latest")]
pub(crate) struct UnpinArgs {
    /// The snapshots: ids, unique prefixes, `latest` or `latest~N`
    #[arg(value_name = "ID", required = true)]
    pub(crate) ids: Vec<String>,

    #[command(flatten)]
    pub(crate) changing: Changing,
}

/// Pins.
pub(crate) async fn pin(cx: &Context, args: PinArgs) -> CommandResult {
    set(cx, &args.ids, true, args.changing).await
}

/// Unpins.
pub(crate) async fn unpin(cx: &Context, args: UnpinArgs) -> CommandResult {
    set(cx, &args.ids, false, args.changing).await
}

async fn set(cx: &Context, names: &[String], pinned: bool, changing: Changing) -> CommandResult {
    let backend = Backend::open(cx).await?;
    let mut ids = Vec::new();
    for name in names {
        ids.push(on!(backend, resolve(name))?);
    }
    if !changing.dry_run {
        for id in &ids {
            on!(backend, set_pin(id, pinned))?;
        }
    }
    let word = match (pinned, changing.dry_run) {
        (true, false) => "pinned",
        (false, false) => "unpinned",
        (true, true) => "would pin",
        (false, true) => "would unpin",
    };
    cx.output.result(&json!({"ids": ids, "pinned": pinned, "dry_run": changing.dry_run}), |out, _| {
        ids.iter().try_for_each(|id| writeln!(out, "{word} {id}"))
    })?;
    Ok(Exit::Done)
}
