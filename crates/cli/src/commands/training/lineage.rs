//! `backstay training lineage`

use std::io::{self, Write};

use backstay_service::view::LineageNode;
use clap::Args;
use serde_json::json;

use super::Runs;
use crate::context::Context;
use crate::failure::{CommandResult, Exit};
use crate::human;

/// Show which run was forked from which, as a tree
#[derive(Debug, Args)]
pub(crate) struct TrainingLineageArgs {}

/// Shows the tree.
pub(crate) async fn run(cx: &Context, _args: TrainingLineageArgs) -> CommandResult {
    let trees = match Runs::open(cx).await {
        Ok(runs) => runs.service.training_lineage(&runs.caller).await?,
        Err(failure) if failure.is_not_found() => Vec::new(),
        Err(failure) => return Err(failure),
    };
    cx.output.result(&json!({"runs": trees}), |out, _| {
        if trees.is_empty() {
            return writeln!(out, "no runs yet");
        }
        trees.iter().try_for_each(|tree| write_node(out, tree, 0))
    })?;
    Ok(Exit::Done)
}

fn write_node(out: &mut dyn Write, node: &LineageNode, depth: usize) -> io::Result<()> {
    let snapshots = human::count(node.snapshots, "snapshot", "snapshots");
    let at = node.epoch.map(|epoch| format!(", epoch {epoch}")).unwrap_or_default();
    let from = match (&node.parent_snapshot_id, node.parent_epoch) {
        (Some(parent), Some(epoch)) => format!(", forked at epoch {epoch} from {parent}"),
        (Some(parent), None) => format!(", forked from {parent}, which is gone"),
        (None, _) => String::new(),
    };
    writeln!(out, "{}{}: {snapshots}{at}{from}", "  ".repeat(depth), human::one_line(&node.name))?;
    node.forks.iter().try_for_each(|fork| write_node(out, fork, depth + 1))
}
