//! `backstay deps add`

use backstay_dependencies::Pin;
use backstay_service::view::{DependencyAction, NewDependencyChange};
use clap::Args;

use super::{Fetching, Staging, asked, name_dropped, notes};
use crate::args::Changing;
use crate::backend::dependencies::{self, Needs, name};
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
    name(&args.name)?;
    Pin::parse(&args.source)?;
    let change = NewDependencyChange {
        dependency: Some(args.name.clone()),
        source: Some(args.source),
        no_resolve: args.no_resolve,
        ..asked(DependencyAction::Add, args.changing, Some(args.staging), Some(args.fetching))
    };
    let report = dependencies::change(cx, Needs::Repository, "Adding", args.changing.wait, change).await?;
    cx.output.result(&report, |out, _| {
        writeln!(out, "{} {}", if report.dry_run { "Would add" } else { "Added" }, args.name)?;
        name_dropped(out, &report)
    })?;
    notes(cx, &report);
    Ok(Exit::Done)
}
