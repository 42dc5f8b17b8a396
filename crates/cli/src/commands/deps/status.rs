//! `backstay deps status`

use clap::Args;
use serde_json::json;

use super::Fetching;
use crate::backend::dependencies::{self, Updates, name};
use crate::context::Context;
use crate::failure::{CommandResult, Exit};

/// Show where each dependency is
#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// Only this dependency
    #[arg(value_name = "DEP")]
    pub(crate) dependency: Option<String>,

    /// Fetch, and tell what is newer
    #[arg(long)]
    pub(crate) check_updates: bool,

    #[command(flatten)]
    pub(crate) fetching: Fetching,
}

/// Shows the status.
pub(crate) async fn run(cx: &Context, args: StatusArgs) -> CommandResult {
    let only = args.dependency.as_deref().map(name).transpose()?;
    let updates = match (args.check_updates, args.fetching.offline) {
        (false, _) => Updates::Unwanted,
        (true, true) => Updates::Fetched,
        (true, false) => Updates::Fresh,
    };
    let list = dependencies::list(cx, only, updates).await?;
    let one =
        args.dependency.as_ref().and_then(|name| list.dependencies.get(name).map(|entry| (name, entry)));
    let value = match one {
        None => json!(list),
        Some((name, entry)) => {
            let mut entry = json!(entry);
            entry["name"] = json!(name);
            entry
        }
    };
    cx.output.result(&value, |out, _| {
        if list.dependencies.is_empty() {
            return writeln!(out, "No dependencies found");
        }
        for (name, entry) in &list.dependencies {
            let commit = entry.commit.get(..10).unwrap_or(&entry.commit);
            writeln!(out, "{name}: {} ({commit}) since {}", entry.current_ref, entry.consumed_at)?;
            match &entry.updates {
                Some(updates) if updates.has_update => {
                    let available = updates.available.as_deref().unwrap_or_default();
                    writeln!(out, "  available: {available} ({} pending)", updates.pending_changes.len())?;
                }
                Some(_) => writeln!(out, "  up to date")?,
                None => {}
            }
        }
        Ok(())
    })?;
    Ok(Exit::Done)
}
