//! `backstay repository verify`

use std::io::{self, Write};
use std::num::NonZeroU8;

use backstay_repository::{VerifyDepth, VerifyOptions, VerifyReport};
use clap::Args;
use serde_json::{Value, json};

use crate::backend::bare::{self, Bare};
use crate::commands::verify::{DataShare, parse_data};
use crate::context::Context;
use crate::failure::{CommandResult, Exit};
use crate::human::{self, Size};
use crate::style::Style;

/// Check the repository and name everything that is damaged
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay repository verify
  backstay repository verify --data full --repository /backup/app --password-file pw")]
pub(crate) struct VerifyArgs {
    /// Only these snapshots and what they need
    #[arg(value_name = "ID")]
    pub(crate) ids: Vec<String>,

    /// How much content to read: a percentage from 0 to 100, or `full`
    #[arg(long, value_name = "PCT|full", default_value = "0", value_parser = parse_data)]
    pub(crate) data: DataShare,
}

/// Verifies and names what is damaged and what is lost by it.
pub(crate) async fn run(cx: &Context, args: VerifyArgs) -> CommandResult {
    let (bare, inner) = (Bare::here(cx)?, cx.clone());
    let report = cx
        .blocking("Verifying", move |progress, cancel| {
            let repository = bare.open(&inner)?;
            let manifests = if args.ids.is_empty() {
                None
            } else {
                let listing = bare::manifests(&repository)?;
                let wanted = args.ids.iter().map(|text| Ok(bare::resolve(&listing.readable, text)?.0));
                Some(wanted.collect::<Result<Vec<_>, crate::failure::Failure>>()?)
            };
            let options = VerifyOptions {
                depth: depth(args.data),
                manifests,
                progress,
                cancel,
                ..VerifyOptions::default()
            };
            Ok(repository.verify(&options)?)
        })
        .await?;
    cx.output.result(&to_json(&report), |out, style| write_report(out, style, &report))?;
    if report.is_ok() {
        return Ok(Exit::Done);
    }
    cx.output.hint("`backstay repository repair --from LOCATION` heals from a second repository");
    Ok(Exit::Negative)
}

/// What is damaged and what is lost by it.
pub(crate) fn write_report(out: &mut dyn Write, style: Style, report: &VerifyReport) -> io::Result<()> {
    for damaged in &report.damaged {
        let at = damaged.offset.map(|offset| format!(" at byte {offset}")).unwrap_or_default();
        writeln!(
            out,
            "{} {}{at}: {}",
            style.error("damaged:"),
            damaged.object,
            human::one_line(&damaged.reason)
        )?;
    }
    for damage in &report.snapshots {
        let id = damage.snapshot.clone().unwrap_or_else(|| format!("manifest {}", damage.manifest));
        writeln!(out, "{id} has lost {}:", human::count(damage.lost_count, "path", "paths"))?;
        for lost in &damage.lost {
            writeln!(out, "  lost: {}", human::one_line(&String::from_utf8_lossy(&lost.path)))?;
        }
    }
    let verdict = if report.is_ok() { style.good("healthy") } else { style.error("damaged") };
    writeln!(
        out,
        "{verdict}: {}, {}, {} read",
        human::count(report.checked_snapshots.len() as u64, "snapshot", "snapshots"),
        human::count(report.checked_packs, "pack", "packs"),
        Size(report.read_bytes)
    )
}

const fn depth(share: DataShare) -> VerifyDepth {
    match share {
        DataShare::Full => VerifyDepth::Full,
        DataShare::Percent(percent) if percent <= 0.0 => VerifyDepth::Structure,
        DataShare::Percent(percent) => match NonZeroU8::new(percent as u8) {
            Some(percent) => VerifyDepth::Sample(percent),
            None => VerifyDepth::Sample(NonZeroU8::MIN),
        },
    }
}

/// The report as JSON.
pub(crate) fn to_json(report: &VerifyReport) -> Value {
    let damaged: Vec<_> = report
        .damaged
        .iter()
        .map(|one| json!({"object": one.object, "offset": one.offset, "reason": one.reason}))
        .collect();
    let snapshots: Vec<_> = report
        .snapshots
        .iter()
        .map(|one| {
            let lost: Vec<_> = one.lost.iter().map(|lost| String::from_utf8_lossy(&lost.path)).collect();
            json!({
                "manifest": one.manifest.to_string(),
                "snapshot_id": one.snapshot,
                "lost_count": one.lost_count,
                "lost_paths": lost,
            })
        })
        .collect();
    json!({
        "healthy": report.is_ok(),
        "damaged": damaged,
        "snapshots": snapshots,
        "missing_chunks": report.missing_chunks,
        "checked_snapshots": report.checked_snapshots.len(),
        "checked_packs": report.checked_packs,
        "bytes_read": report.read_bytes,
    })
}
