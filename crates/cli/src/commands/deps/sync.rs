//! `backstay deps sync`

use backstay_dependencies::mutate::MoveState;
use clap::Args;
use serde_json::json;

use super::{Fetching, Staging, notes, outcome, request};
use crate::args::Changing;
use crate::backend::dependencies::{Changer, Needs, name};
use crate::context::Context;
use crate::failure::{CommandResult, Exit};

/// Check out what graft.lock says, fetching what is not here
#[derive(Debug, Args)]
pub(crate) struct SyncArgs {
    /// Only this dependency
    #[arg(value_name = "DEP")]
    pub(crate) dependency: Option<String>,

    /// Overwrite changes of tracked files in a checkout
    #[arg(long)]
    pub(crate) force: bool,

    #[command(flatten)]
    pub(crate) fetching: Fetching,

    #[command(flatten)]
    pub(crate) changing: Changing,
}

/// Syncs.
pub(crate) async fn run(cx: &Context, args: SyncArgs) -> CommandResult {
    let only = args.dependency.as_deref().map(name).transpose()?;
    let at = Changer::open(cx, Needs::Lock).await?;
    let (run, shown) = Changer::run(cx, "Syncing", args.changing.wait);
    let asked = request(&args.changing, Staging { no_stage: true }, args.fetching, args.force);
    let done = at.service.sync_dependencies(&at.caller, &at.source.id, asked, only, &run).await?;
    drop(shown);
    let total = done.report.len();
    let failed = done.report.iter().filter(|one| one.result.is_err()).count();
    let results: Vec<_> = done
        .report
        .iter()
        .map(|one| {
            let (state, error) = match &one.result {
                Ok(state) => (json!(state), None),
                Err(error) => (json!("failed"), Some(error.to_string())),
            };
            json!({"name": one.name, "ref": one.reference, "commit": one.commit, "state": state, "error": error})
        })
        .collect();
    let value = json!({
        "dependencies": results, "synced": total - failed, "total": total,
    });
    let value = outcome(value, &done, args.changing.dry_run);
    cx.output.result(&value, |out, _| {
        for one in &done.report {
            let state = match &one.result {
                Ok(MoveState::Cloned) => "cloned",
                Ok(MoveState::CheckedOut) => "checked_out",
                Ok(MoveState::UpToDate) => "up_to_date",
                Err(_) => "failed",
            };
            writeln!(out, "  {} {} {state}", one.name, one.reference)?;
        }
        writeln!(out, "Synced: {}/{total} dependencies", total - failed)
    })?;
    for one in &done.report {
        if let Err(error) = &one.result {
            cx.output.warn(&format!("{}: {error}", one.name));
        }
    }
    notes(cx, &done, args.changing.dry_run);
    Ok(match failed {
        0 => Exit::Done,
        all if all == total => Exit::Negative,
        _ => Exit::Partial,
    })
}
