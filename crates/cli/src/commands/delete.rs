//! `backstay delete`

use backstay_model::ErrorKind;
use clap::Args;
use serde_json::json;

use crate::args::Changing;
use crate::backend::{Backend, on};
use crate::context::Context;
use crate::failure::{CommandResult, Exit, Failure};
use crate::waiting;

/// Delete snapshots
///
/// A tombstone stays: who, when and why. The space comes back with `backstay repository collect`. Pinned and held
/// snapshots are refused. --wait waits for an operation that needs one.
#[derive(Debug, Args)]
#[command(
    visible_alias = "rm",
    after_long_help = "\
Examples:
  backstay delete snapshot-1767435330123456-k3v9q2xa
  backstay delete latest --reason 'holds a password' --dry-run"
)]
pub(crate) struct DeleteArgs {
    /// The snapshots: ids, unique prefixes, `latest` or `latest~N`
    #[arg(value_name = "ID", required = true)]
    pub(crate) ids: Vec<String>,

    /// Why; kept in the tombstone and the audit trail
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,

    #[command(flatten)]
    pub(crate) changing: Changing,
}

/// Deletes every named snapshot, or none when one cannot be.
pub(crate) async fn run(cx: &Context, args: DeleteArgs) -> CommandResult {
    let backend = Backend::open(cx).await?;
    let mut ids = Vec::new();
    for text in &args.ids {
        let id = on!(backend, resolve(text))?;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    // `latest~1` must mean the same before and after the first deletion, so all are resolved and checked first.
    for id in &ids {
        let snapshot = on!(backend, show(id))?;
        if snapshot.pinned || snapshot.holds > 0 {
            let (word, hint) = if snapshot.pinned {
                ("pinned", format!("`backstay unpin {id}` releases it"))
            } else {
                ("held", format!("`backstay holds {id}` shows by whom"))
            };
            return Err(Failure::new(ErrorKind::Conflict, format!("snapshot {id} is {word}")).hint(hint));
        }
    }
    let reason = args.reason.as_deref().unwrap_or_default();
    if !args.changing.dry_run {
        for id in &ids {
            waiting::while_busy(cx, args.changing.wait, async || on!(backend, delete(id, reason))).await?;
        }
    }
    let done = if args.changing.dry_run { "would delete" } else { "deleted" };
    cx.output.result(&json!({"deleted": ids, "dry_run": args.changing.dry_run}), |out, _| {
        ids.iter().try_for_each(|id| writeln!(out, "{done} {id}"))
    })?;
    Ok(Exit::Done)
}
