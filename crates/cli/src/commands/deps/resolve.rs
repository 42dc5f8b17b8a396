//! `backstay deps resolve`

use backstay_service::view::{DependencyAction, NewDependencyChange};
use clap::Args;

use super::{Fetching, Staging, asked, name_dropped, notes};
use crate::args::Changing;
use crate::backend::dependencies::{self, Needs};
use crate::context::Context;
use crate::failure::{CommandResult, Exit};

/// Fetch every declared dependency, check it out and lock it: all of them or none
#[derive(Debug, Args)]
pub(crate) struct ResolveArgs {
    /// Go back to what graft.yaml says where graft.lock is ahead of it
    #[arg(long)]
    pub(crate) force_yaml: bool,

    #[command(flatten)]
    pub(crate) staging: Staging,

    #[command(flatten)]
    pub(crate) fetching: Fetching,

    #[command(flatten)]
    pub(crate) changing: Changing,
}

/// Resolves.
pub(crate) async fn run(cx: &Context, args: ResolveArgs) -> CommandResult {
    let change = NewDependencyChange {
        force_yaml: args.force_yaml,
        ..asked(DependencyAction::Resolve, args.changing, Some(args.staging), Some(args.fetching))
    };
    let report =
        dependencies::change(cx, Needs::Declarations, "Resolving", args.changing.wait, change).await?;
    cx.output.result(&report, |out, _| {
        for one in &report.dependencies {
            let (reference, commit) = (one.reference.as_deref(), one.commit.as_deref());
            let commit = commit.map(|commit| commit.get(..10).unwrap_or(commit)).unwrap_or_default();
            writeln!(out, "  {} {} {commit}", one.name, reference.unwrap_or_default())?;
        }
        name_dropped(out, &report)?;
        // All or none.
        let total = report.dependencies.len();
        writeln!(out, "Resolved: {total}/{total}")
    })?;
    notes(cx, &report);
    Ok(Exit::Done)
}
