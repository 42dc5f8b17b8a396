//! `backstay deps sync`

use backstay_service::view::{DependencyAction, NewDependencyChange};
use clap::Args;

use super::{Fetching, asked, failed, notes, word};
use crate::args::Changing;
use crate::backend::dependencies::{self, Needs, name};
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
    args.dependency.as_deref().map(name).transpose()?;
    let change = NewDependencyChange {
        dependency: args.dependency,
        force: args.force,
        ..asked(DependencyAction::Sync, args.changing, None, Some(args.fetching))
    };
    let report = dependencies::change(cx, Needs::Lock, "Syncing", args.changing.wait, change).await?;
    let (failed, total) = (failed(&report), report.dependencies.len());
    cx.output.result(&report, |out, _| {
        for one in &report.dependencies {
            let reference = one.reference.as_deref().unwrap_or_default();
            writeln!(out, "  {} {reference} {}", one.name, word(one.state))?;
        }
        writeln!(out, "Synced: {}/{total} dependencies", total - failed)
    })?;
    notes(cx, &report);
    Ok(match failed {
        0 => Exit::Done,
        all if all == total => Exit::Negative,
        _ => Exit::Partial,
    })
}
