//! `backstay deps apply`

use backstay_service::view::{DependencyAction, NewDependencyChange};
use clap::Args;

use super::{Fetching, Staging, asked, name_dropped, notes};
use crate::args::Changing;
use crate::backend::dependencies::{self, Needs, name, reference};
use crate::context::Context;
use crate::failure::{CommandResult, Exit};

/// Move graft.yaml, graft.lock and the checkout of a dependency to a ref, without its migrations
#[derive(Debug, Args)]
pub(crate) struct ApplyArgs {
    /// The dependency
    #[arg(value_name = "DEP")]
    pub(crate) dependency: String,

    /// The ref: a tag, a branch of origin, or a commit id
    #[arg(long, value_name = "REF")]
    pub(crate) to: String,

    #[command(flatten)]
    pub(crate) staging: Staging,

    #[command(flatten)]
    pub(crate) fetching: Fetching,

    #[command(flatten)]
    pub(crate) changing: Changing,
}

/// Applies.
pub(crate) async fn run(cx: &Context, args: ApplyArgs) -> CommandResult {
    name(&args.dependency)?;
    reference(&args.to)?;
    let change = NewDependencyChange {
        dependency: Some(args.dependency.clone()),
        to: Some(args.to.clone()),
        ..asked(DependencyAction::Apply, args.changing, Some(args.staging), Some(args.fetching))
    };
    let report =
        dependencies::change(cx, Needs::Declarations, "Applying", args.changing.wait, change).await?;
    cx.output.result(&report, |out, _| {
        let at = format!("{}@{}", args.dependency, args.to);
        if report.dry_run {
            return writeln!(out, "Would apply {at}");
        }
        writeln!(out, "Applied {at}")?;
        writeln!(out, "Updated graft.lock: {at}")?;
        name_dropped(out, &report)?;
        writeln!(out, "Note: No migrations were run.")
    })?;
    notes(cx, &report);
    Ok(Exit::Done)
}
