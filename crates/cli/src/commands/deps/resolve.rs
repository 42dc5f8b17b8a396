//! `backstay deps resolve`

use backstay_dependencies::mutate::ResolveOptions;
use clap::Args;
use serde_json::json;

use super::{Fetching, Staging, name_dropped, notes, outcome, request};
use crate::args::Changing;
use crate::backend::dependencies::{Changer, Needs};
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
    let at = Changer::open(cx, Needs::Declarations).await?;
    let (run, shown) = Changer::run(cx, "Resolving", args.changing.wait);
    let asked = request(&args.changing, args.staging, args.fetching, false);
    let options = ResolveOptions { force_yaml: args.force_yaml };
    let done = at.service.resolve_dependencies(&at.caller, &at.source.id, asked, options, &run).await?;
    drop(shown);
    for warning in &done.report.warnings {
        cx.output.warn(&format!("graft.yaml:{}: {}", warning.line, warning.text));
    }
    let dependencies = &done.report.dependencies;
    let value = json!({
        "dependencies": dependencies, "resolved": dependencies.len(), "total": dependencies.len(),
    });
    let value = outcome(value, &done, args.changing.dry_run);
    cx.output.result(&value, |out, _| {
        for moved in dependencies {
            writeln!(out, "  {} {} {}", moved.name, moved.reference, moved.commit.short())?;
        }
        name_dropped(out, &done.dropped)?;
        writeln!(out, "Resolved: {}/{}", dependencies.len(), dependencies.len())
    })?;
    notes(cx, &done, args.changing.dry_run);
    Ok(Exit::Done)
}
