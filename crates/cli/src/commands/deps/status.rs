//! `backstay deps status`

use backstay_dependencies::query;
use clap::Args;
use serde_json::json;

use super::Fetching;
use crate::backend::dependencies::{ask, name};
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
    let (wanted, check, offline) = (only.clone(), args.check_updates, args.fetching.offline);
    let status =
        ask(cx, "Looking", move |workspace| query::status(workspace, wanted.as_ref(), check, offline))
            .await?;
    let only = only.and_then(|name| status.dependencies.get(&name).map(|entry| (name, entry)));
    let value = match only {
        None => json!(status),
        Some((name, entry)) => {
            let mut entry = json!(entry);
            entry["name"] = json!(name);
            entry
        }
    };
    cx.output.result(&value, |out, _| {
        if status.dependencies.is_empty() {
            return writeln!(out, "No dependencies found");
        }
        for (name, entry) in &status.dependencies {
            writeln!(
                out,
                "{name}: {} ({}) since {}",
                entry.current_ref,
                entry.commit.short(),
                entry.consumed_at
            )?;
            match &entry.updates {
                Some(updates) if updates.has_update => {
                    let available = updates.available.as_ref().map(ToString::to_string).unwrap_or_default();
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
