//! `backstay deps tree`

use clap::Args;

use crate::backend::dependencies;
use crate::context::Context;
use crate::failure::{CommandResult, Exit};

/// Show what graft.lock holds
#[derive(Debug, Args)]
pub(crate) struct TreeArgs {
    /// Also sources and commits
    #[arg(long)]
    pub(crate) details: bool,
}

/// Shows the tree.
pub(crate) async fn run(cx: &Context, args: TreeArgs) -> CommandResult {
    let tree = dependencies::tree(cx).await?;
    cx.output.result(&tree, |out, _| {
        writeln!(out, "Dependencies:")?;
        for entry in &tree.dependencies {
            writeln!(out, "  {} ({})", entry.name, entry.reference)?;
            if args.details {
                writeln!(out, "    source: {}", entry.source)?;
                writeln!(out, "    commit: {}", entry.commit)?;
            }
        }
        writeln!(out, "Total: {}", tree.total)
    })?;
    Ok(Exit::Done)
}
