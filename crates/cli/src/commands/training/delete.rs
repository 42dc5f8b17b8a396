//! `backstay training delete`

use clap::Args;
use serde_json::json;

use super::{Runs, described};
use crate::context::Context;
use crate::failure::{CommandResult, Exit};

/// Delete a snapshot of a run
///
/// Refuses what is pinned or held and what a run was forked from.
#[derive(Debug, Args)]
pub(crate) struct TrainingDeleteArgs {
    /// RUN:LABEL, or an id
    #[arg(value_name = "SNAPSHOT")]
    pub(crate) snapshot: String,

    /// Why, for the audit trail
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) reason: String,
}

/// Deletes.
pub(crate) async fn run(cx: &Context, args: TrainingDeleteArgs) -> CommandResult {
    let runs = Runs::open(cx).await?;
    let found = runs.find(&args.snapshot).await?;
    runs.service.delete_snapshot(&runs.caller, &found.id, &args.reason).await?;
    cx.output
        .result(&json!({"deleted": found.id}), |out, _| writeln!(out, "✓ Deleted {}", described(&found)))?;
    Ok(Exit::Done)
}
