//! `backstay stats`

use clap::Args;

use crate::backend::{Backend, on};
use crate::context::Context;
use crate::failure::{CommandResult, Exit};
use crate::human::{self, Size};
use crate::render::table::facts;

/// Show how much is saved and what it costs
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay stats
  backstay stats --json")]
pub(crate) struct StatsArgs {}

/// Shows the statistics.
pub(crate) async fn run(cx: &Context, _args: StatsArgs) -> CommandResult {
    let backend = Backend::open(cx).await?;
    let statistics = on!(backend, statistics())?;
    cx.output.result(&statistics, |out, style| {
        let size = |bytes: u64| Size(bytes).to_string();
        facts(
            out,
            style,
            &[
                ("snapshots", human::grouped(statistics.snapshots)),
                ("logical size", size(statistics.logical_bytes)),
                ("deduplicated", statistics.deduplicated_bytes.map(size).unwrap_or_default()),
                ("stored", statistics.stored_bytes.map(size).unwrap_or_default()),
            ],
        )?;
        for growth in statistics.growth.iter().rev().take(14).rev() {
            writeln!(
                out,
                "{}  {:>3} saved  {:>10} new",
                growth.day,
                growth.snapshots,
                Size(growth.added_bytes)
            )?;
        }
        Ok(())
    })?;
    Ok(Exit::Done)
}
