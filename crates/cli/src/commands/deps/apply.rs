//! `backstay deps apply`

use clap::Args;
use serde_json::json;

use super::{Fetching, Staging, name_dropped, notes, outcome, request};
use crate::args::Changing;
use crate::backend::dependencies::{Changer, Needs, name, reference};
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
    let (dependency, to) = (name(&args.dependency)?, reference(&args.to)?);
    let at = Changer::open(cx, Needs::Declarations).await?;
    let (run, shown) = Changer::run(cx, "Applying", args.changing.wait);
    let asked = request(&args.changing, args.staging, args.fetching, false);
    let done = at.service.apply_dependency(&at.caller, &at.source.id, asked, dependency, to, &run).await?;
    drop(shown);
    let moved = &done.report;
    let value = json!({
        "dependency": moved.name, "ref": moved.reference, "commit": moved.commit, "state": moved.state,
    });
    let value = outcome(value, &done, args.changing.dry_run);
    cx.output.result(&value, |out, _| {
        if args.changing.dry_run {
            return writeln!(out, "Would apply {}@{}", moved.name, moved.reference);
        }
        writeln!(out, "Applied {}@{}", moved.name, moved.reference)?;
        writeln!(out, "Updated graft.lock: {}@{}", moved.name, moved.reference)?;
        name_dropped(out, &done.dropped)?;
        writeln!(out, "Note: No migrations were run.")
    })?;
    notes(cx, &done, args.changing.dry_run);
    Ok(Exit::Done)
}
