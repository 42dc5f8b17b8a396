//! `backstay deps changes`

use backstay_dependencies::query::ChangeFilter;
use clap::Args;

use crate::backend::dependencies::{self, name, reference};
use crate::context::Context;
use crate::failure::{CommandResult, Exit};

/// List the declared changes of a dependency
#[derive(Debug, Args)]
pub(crate) struct ChangesArgs {
    /// The dependency
    #[arg(value_name = "DEP")]
    pub(crate) dependency: String,

    /// Only changes of this type
    #[arg(long = "type", value_name = "TYPE", conflicts_with = "breaking")]
    pub(crate) kind: Option<String>,

    /// Only breaking changes
    #[arg(long)]
    pub(crate) breaking: bool,

    /// Only changes after this ref
    #[arg(long, value_name = "REF")]
    pub(crate) from_ref: Option<String>,

    /// Same as --from-ref
    #[arg(long, value_name = "REF", conflicts_with = "from_ref")]
    pub(crate) since: Option<String>,

    /// Only changes up to this ref
    #[arg(long, value_name = "REF")]
    pub(crate) to_ref: Option<String>,
}

/// Lists the changes.
pub(crate) async fn run(cx: &Context, args: ChangesArgs) -> CommandResult {
    let dependency = name(&args.dependency)?;
    let filter = ChangeFilter {
        kind: if args.breaking { Some("breaking".to_owned()) } else { args.kind },
        from: args.from_ref.or(args.since).as_deref().map(reference).transpose()?,
        to: args.to_ref.as_deref().map(reference).transpose()?,
    };
    let list = dependencies::changes(cx, dependency, filter).await?;
    cx.output.result(&list, |out, _| {
        if list.changes.is_empty() {
            return writeln!(out, "No changes found");
        }
        writeln!(out, "Changes for {}:", list.dependency)?;
        for change in &list.changes {
            let kind = change.kind.as_ref().map(|kind| format!(" ({kind})")).unwrap_or_default();
            writeln!(out, "  {}{kind}", change.reference)?;
            let parts =
                [("", &change.description), ("Migration: ", &change.migration), ("Verify: ", &change.verify)];
            for (label, text) in parts {
                if let Some(text) = text {
                    writeln!(out, "    {label}{text}")?;
                }
            }
        }
        writeln!(out, "Total: {}", list.changes.len())
    })?;
    Ok(Exit::Done)
}
