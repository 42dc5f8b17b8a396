//! `backstay deps fetch`

use backstay_dependencies::mutate::{self, FetchResult};
use clap::Args;
use serde_json::json;

use crate::args::Changing;
use crate::backend::dependencies::{Changer, Needs, ask, name};
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
    let only = args.dependency.as_deref().map(name).transpose()?;
    let fetched = if args.changing.dry_run {
        ask(cx, "Looking", move |workspace| mutate::would_fetch(workspace, only.as_ref())).await?
    } else {
        let at = Changer::open(cx, Needs::Declarations).await?;
        let (run, shown) = Changer::run(cx, "Fetching", args.changing.wait);
        let fetched = at.service.fetch_dependencies(&at.caller, &at.source.id, only, &run).await?;
        drop(shown);
        fetched
    };
    let failed = fetched.iter().filter(|one| one.result.is_err()).count();
    let results: Vec<_> = fetched
        .iter()
        .map(|one| match &one.result {
            Ok(result) => json!({"name": one.name, "state": result}),
            Err(error) => json!({"name": one.name, "state": "failed", "error": error.to_string()}),
        })
        .collect();
    let value = json!({"dependencies": results, "dry_run": args.changing.dry_run});
    cx.output.result(&value, |out, _| {
        for one in &fetched {
            match &one.result {
                Ok(FetchResult::Fetched) => writeln!(out, "{}: fetched", one.name)?,
                Ok(FetchResult::WouldFetch) => writeln!(out, "{}: would be fetched", one.name)?,
                Ok(FetchResult::NotCloned) => writeln!(out, "{}: not cloned", one.name)?,
                Err(_) => writeln!(out, "{}: failed", one.name)?,
            }
        }
        Ok(())
    })?;
    for one in &fetched {
        if let Err(error) = &one.result {
            cx.output.warn(&format!("{}: {error}", one.name));
        }
    }
    Ok(match failed {
        0 => Exit::Done,
        all if all == fetched.len() => Exit::Negative,
        _ if cx.invocation.as_graft => Exit::Done,
        _ => Exit::Partial,
    })
}
