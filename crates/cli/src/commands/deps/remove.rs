//! `backstay deps remove`

use backstay_service::view::{DependencyAction, NewDependencyChange};
use clap::Args;

use super::{Staging, asked, name_dropped, notes};
use crate::args::Changing;
use crate::backend::dependencies::{self, Needs, name};
use crate::context::Context;
use crate::failure::{CommandResult, Exit};

/// Take a dependency out of graft.yaml, graft.lock, git and the disk: all of it or nothing
#[derive(Debug, Args)]
pub(crate) struct RemoveArgs {
    /// The dependency
    #[arg(value_name = "NAME")]
    pub(crate) name: String,

    /// Leave the files of the checkout, as plain files
    #[arg(long)]
    pub(crate) keep_files: bool,

    /// Remove also what exists nowhere else: changed files, commits that were not pushed
    #[arg(long)]
    pub(crate) force: bool,

    #[command(flatten)]
    pub(crate) staging: Staging,

    #[command(flatten)]
    pub(crate) changing: Changing,
}

/// Removes.
pub(crate) async fn run(cx: &Context, args: RemoveArgs) -> CommandResult {
    name(&args.name)?;
    let change = NewDependencyChange {
        dependency: Some(args.name.clone()),
        force: args.force,
        keep_files: args.keep_files,
        ..asked(DependencyAction::Remove, args.changing, Some(args.staging), None)
    };
    let report = dependencies::change(cx, Needs::Repository, "Removing", args.changing.wait, change).await?;
    cx.output.result(&report, |out, _| {
        writeln!(out, "{} {}", if report.dry_run { "Would remove" } else { "Removed" }, args.name)?;
        name_dropped(out, &report)
    })?;
    notes(cx, &report);
    Ok(Exit::Done)
}
