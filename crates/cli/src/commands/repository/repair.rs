//! `backstay repository repair`

use backstay_repository::RepairOptions;
use clap::Args;
use serde_json::json;

use super::verify;
use crate::args::Changing;
use crate::backend::bare::Bare;
use crate::commands::verify::DataShare;
use crate::context::Context;
use crate::failure::{CommandResult, Exit};
use crate::human::{self, Size};

/// Rebuild the index from the packs, and heal damaged content from another repository
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay repository repair --dry-run
  backstay repository repair --from /mirror/app --from-password-file pw")]
pub(crate) struct RepairArgs {
    /// A repository that holds copies of the same snapshots
    #[arg(long, value_name = "LOCATION")]
    pub(crate) from: Option<String>,

    /// The password of --from
    #[arg(long, value_name = "FILE", requires = "from")]
    pub(crate) from_password_file: Option<std::path::PathBuf>,

    /// The key file of --from
    #[arg(long, value_name = "FILE", requires = "from", conflicts_with = "from_password_file")]
    pub(crate) from_key_file: Option<std::path::PathBuf>,

    #[command(flatten)]
    pub(crate) changing: Changing,
}

/// Repairs, or with `--dry-run` only looks; the exit code tells whether damage is left.
pub(crate) async fn run(cx: &Context, args: RepairArgs) -> CommandResult {
    if args.changing.dry_run {
        return verify::run(cx, verify::VerifyArgs { ids: Vec::new(), data: DataShare::Full }).await;
    }
    let (bare, inner) = (Bare::here(cx)?, cx.clone());
    let healthy = match &args.from {
        Some(from) => Some(Bare::other(cx, from, args.from_password_file, args.from_key_file)?),
        None => None,
    };
    let report = cx
        .blocking("Repairing", move |progress, cancel| {
            let heal_from = healthy.map(|healthy| healthy.open(&inner)).transpose()?;
            let options = RepairOptions { heal_from, progress, cancel, ..RepairOptions::default() };
            Ok(bare.open(&inner)?.repair(&options)?)
        })
        .await?;
    let value = json!({
        "found": verify::to_json(&report.found),
        "indexed_packs": report.indexed_packs,
        "dropped_packs": report.dropped_packs,
        "saved_bytes": report.saved_bytes,
        "healed_snapshots": report.healed_snapshots,
        "left": verify::to_json(&report.left),
    });
    cx.output.result(&value, |out, style| {
        let packs = |count: u64| human::count(count, "pack", "packs");
        writeln!(out, "{} entered into the index", packs(report.indexed_packs))?;
        writeln!(
            out,
            "{} dropped, {} saved from them",
            packs(report.dropped_packs),
            Size(report.saved_bytes)
        )?;
        let healed = human::count(report.healed_snapshots, "snapshot", "snapshots");
        writeln!(out, "{healed} healed from the other repository")?;
        verify::write_report(out, style, &report.left)
    })?;
    if report.left.is_ok() {
        return Ok(Exit::Done);
    }
    cx.output.hint("`--from LOCATION` heals from a second repository; a new `backstay save` stores what the files still have");
    Ok(Exit::Negative)
}
