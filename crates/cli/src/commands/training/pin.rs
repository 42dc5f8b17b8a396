//! `backstay training pin` and `unpin`

use clap::Args;
use serde_json::json;

use super::{Runs, described};
use crate::context::Context;
use crate::failure::{CommandResult, Exit};

/// Keep a snapshot of a run, whatever the keep rules say
#[derive(Debug, Args)]
pub(crate) struct TrainingPinArgs {
    /// A run (its present state), RUN:LABEL, or an id
    #[arg(value_name = "SNAPSHOT")]
    pub(crate) snapshot: String,
}

/// Leave a snapshot of a run to the keep rules again
#[derive(Debug, Args)]
pub(crate) struct TrainingUnpinArgs {
    /// A run (its present state), RUN:LABEL, or an id
    #[arg(value_name = "SNAPSHOT")]
    pub(crate) snapshot: String,
}

/// Pins.
pub(crate) async fn pin(cx: &Context, args: TrainingPinArgs) -> CommandResult {
    change(cx, &args.snapshot, true).await
}

/// Removes the pin.
pub(crate) async fn unpin(cx: &Context, args: TrainingUnpinArgs) -> CommandResult {
    change(cx, &args.snapshot, false).await
}

async fn change(cx: &Context, text: &str, pinned: bool) -> CommandResult {
    let runs = Runs::open(cx).await?;
    let found = runs.find(text).await?;
    let shown = if pinned {
        runs.service.pin_snapshot(&runs.caller, &found.id).await?
    } else {
        runs.service.unpin_snapshot(&runs.caller, &found.id).await?
    };
    cx.output.result(&json!({"id": shown.id, "pinned": shown.pinned}), |out, _| {
        writeln!(out, "✓ {} {}", if pinned { "Pinned" } else { "Unpinned" }, described(&found))
    })?;
    Ok(Exit::Done)
}
