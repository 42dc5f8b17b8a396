//! `backstay deps add`

use backstay_dependencies::Pin;
use backstay_dependencies::mutate::AddOptions;
use clap::Args;
use serde_json::json;

use super::{Fetching, Staging, name_dropped, notes, outcome, request};
use crate::args::Changing;
use crate::backend::dependencies::{Changer, Needs, name};
use crate::context::Context;
use crate::failure::{CommandResult, Exit};

/// Declare a dependency, check it out and lock it: all of it or nothing
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay deps add kb https://example.org/kb.git#v1
  backstay deps add tools ../tools#main --no-resolve")]
pub(crate) struct AddArgs {
    /// A name for it
    #[arg(value_name = "NAME")]
    pub(crate) name: String,

    /// Where it comes from and which ref
    #[arg(value_name = "URL#REF")]
    pub(crate) source: String,

    /// Only write graft.yaml
    #[arg(long)]
    pub(crate) no_resolve: bool,

    #[command(flatten)]
    pub(crate) staging: Staging,

    #[command(flatten)]
    pub(crate) fetching: Fetching,

    #[command(flatten)]
    pub(crate) changing: Changing,
}

/// Adds.
pub(crate) async fn run(cx: &Context, args: AddArgs) -> CommandResult {
    let (dependency, pin) = (name(&args.name)?, Pin::parse(&args.source)?);
    let at = Changer::open(cx, Needs::Repository).await?;
    let (run, shown) = Changer::run(cx, "Adding", args.changing.wait);
    let asked = request(&args.changing, args.staging, args.fetching, false);
    let add = AddOptions { no_resolve: args.no_resolve };
    let (caller, id) = (&at.caller, &at.source.id);
    let done =
        at.service.add_dependency(caller, id, asked, dependency.clone(), pin.clone(), add, &run).await?;
    drop(shown);
    let value = json!({
        "name": dependency, "source": pin.source, "ref": pin.reference,
        "commit": done.report.as_ref().map(|moved| &moved.commit), "resolved": done.report.is_some(),
    });
    let value = outcome(value, &done, args.changing.dry_run);
    cx.output.result(&value, |out, _| {
        writeln!(out, "{} {dependency}", if args.changing.dry_run { "Would add" } else { "Added" })?;
        name_dropped(out, &done.dropped)
    })?;
    notes(cx, &done, args.changing.dry_run);
    Ok(Exit::Done)
}
