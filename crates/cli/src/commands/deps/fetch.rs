//! `backstay deps fetch`

use backstay_service::view::{DependencyAction, NewDependencyChange};
use clap::Args;

use super::{asked, failed, notes, word};
use crate::args::Changing;
use crate::backend::dependencies::{self, Needs, name};
use crate::context::Context;
use crate::failure::{CommandResult, Exit};

/// Fetch what the sources of the dependencies have; checkouts and files stay as they are
#[derive(Debug, Args)]
pub(crate) struct FetchArgs {
    /// Only this dependency
    #[arg(value_name = "DEP")]
    pub(crate) dependency: Option<String>,

    #[command(flatten)]
    pub(crate) changing: Changing,
}

/// Fetches.
pub(crate) async fn run(cx: &Context, args: FetchArgs) -> CommandResult {
    args.dependency.as_deref().map(name).transpose()?;
    let change = NewDependencyChange {
        dependency: args.dependency,
        ..asked(DependencyAction::Fetch, args.changing, None, None)
    };
    let report =
        dependencies::change(cx, Needs::Declarations, "Fetching", args.changing.wait, change).await?;
    cx.output.result(&report, |out, _| {
        report.dependencies.iter().try_for_each(|one| writeln!(out, "{}: {}", one.name, word(one.state)))
    })?;
    notes(cx, &report);
    Ok(match failed(&report) {
        0 => Exit::Done,
        all if all == report.dependencies.len() => Exit::Negative,
        _ if cx.invocation.as_graft => Exit::Done,
        _ => Exit::Partial,
    })
}
