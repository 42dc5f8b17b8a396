//! `backstay deps remove`

use backstay_dependencies::mutate::RemoveOptions;
use clap::Args;
use serde_json::json;

use super::{Fetching, Staging, name_dropped, notes, outcome, request};
use crate::args::Changing;
use crate::backend::dependencies::{Changer, Needs, name};
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
    let dependency = name(&args.name)?;
    let at = Changer::open(cx, Needs::Repository).await?;
    let (run, shown) = Changer::run(cx, "Removing", args.changing.wait);
    let asked = request(&args.changing, args.staging, Fetching { offline: true }, args.force);
    let remove = RemoveOptions { keep_files: args.keep_files };
    let done =
        at.service.remove_dependency(&at.caller, &at.source.id, asked, dependency, remove, &run).await?;
    drop(shown);
    let value = json!({
        "name": done.report.name, "kept_files": done.report.kept_files,
    });
    let value = outcome(value, &done, args.changing.dry_run);
    cx.output.result(&value, |out, _| {
        writeln!(
            out,
            "{} {}",
            if args.changing.dry_run { "Would remove" } else { "Removed" },
            done.report.name
        )?;
        name_dropped(out, &done.dropped)
    })?;
    notes(cx, &done, args.changing.dry_run);
    Ok(Exit::Done)
}
