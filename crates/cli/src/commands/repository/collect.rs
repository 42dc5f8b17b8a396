//! `backstay repository collect`

use backstay_repository::CollectOptions;
use clap::Args;
use serde_json::json;

use crate::args::Changing;
use crate::backend::bare::Bare;
use crate::commands::prune::parse_age_seconds;
use crate::context::Context;
use crate::failure::{CommandResult, Exit};
use crate::human::{self, Size};

/// Free the space of deleted snapshots
///
/// Works in two phases: what nothing needs is marked, and removed by a later run after the grace period, so that a save
/// that runs meanwhile loses nothing.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay repository collect
  backstay repository collect --grace 0s     when surely nothing else is writing")]
pub(crate) struct CollectArgs {
    /// Another grace period than the repository's; a save that runs meanwhile may fail when it is shorter
    #[arg(long, value_name = "AGE", value_parser = parse_age_seconds)]
    pub(crate) grace: Option<i64>,

    #[command(flatten)]
    pub(crate) changing: Changing,
}

/// Collects.
pub(crate) async fn run(cx: &Context, args: CollectArgs) -> CommandResult {
    let (bare, inner) = (Bare::here(cx)?, cx.clone());
    if args.changing.dry_run {
        return dry_run(cx, bare).await;
    }
    let report = cx
        .blocking("Collecting", move |progress, cancel| {
            let repository = bare.open(&inner)?;
            let grace_seconds = args.grace.map(i64::unsigned_abs);
            let options = CollectOptions { grace_seconds, progress, cancel, ..CollectOptions::default() };
            Ok(repository.collect(&options)?)
        })
        .await?;
    let value = json!({
        "dry_run": false,
        "removed_packs": report.removed_packs,
        "removed_bytes": report.removed_bytes,
        "marked_packs": report.marked_packs,
        "marked_bytes": report.marked_bytes,
        "waiting_packs": report.waiting_packs,
        "waiting_bytes": report.waiting_bytes,
        "rewritten_packs": report.rewritten_packs,
        "rewritten_bytes": report.rewritten_bytes,
        "unused_bytes": report.unused_bytes,
        "removed_manifests": report.removed_manifests,
    });
    cx.output.result(&value, |out, _| {
        let packs = |count: u64| human::count(count, "pack", "packs");
        writeln!(out, "freed {} ({})", Size(report.removed_bytes), packs(report.removed_packs))?;
        if report.marked_packs + report.waiting_packs > 0 {
            writeln!(
                out,
                "{} ({}) wait for the end of the grace period",
                Size(report.marked_bytes + report.waiting_bytes),
                packs(report.marked_packs + report.waiting_packs)
            )?;
        }
        Ok(())
    })?;
    Ok(Exit::Done)
}

/// Counts what nothing needs any more.
async fn dry_run(cx: &Context, bare: Bare) -> CommandResult {
    let inner = cx.clone();
    let found = cx
        .blocking("Counting", move |_, cancel| {
            let options = backstay_repository::StatisticsOptions { count_unused: true, cancel };
            Ok(bare.open(&inner)?.statistics(&options)?)
        })
        .await?;
    let unused = found.unused_bytes.unwrap_or(0);
    cx.output.result(&json!({"dry_run": true, "unused_bytes": unused}), |out, _| {
        writeln!(out, "nothing needs about {} of {}", Size(unused), Size(found.stored_bytes))
    })?;
    Ok(Exit::Done)
}
