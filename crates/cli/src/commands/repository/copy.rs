//! `backstay repository copy`

use std::path::PathBuf;

use backstay_repository::{CopyOptions, ManifestId, Repository, copy_snapshots};
use clap::Args;
use serde_json::json;

use crate::args::Changing;
use crate::backend::bare::{self, Bare};
use crate::context::Context;
use crate::failure::{CommandResult, Exit, Failure};
use crate::human::{self, Size};

/// Copy snapshots into a second repository
///
/// What is there already is not copied again. The second repository has its own password and keys.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay repository copy --to s3://bucket/app --to-password-file pw
  backstay repository copy latest --to /mirror/app --to-key-file mirror.key")]
pub(crate) struct CopyArgs {
    /// The snapshots (default: all)
    #[arg(value_name = "ID")]
    pub(crate) ids: Vec<String>,

    /// The second repository
    #[arg(long, value_name = "LOCATION", required = true)]
    pub(crate) to: String,

    /// The password of the second repository
    #[arg(long, value_name = "FILE")]
    pub(crate) to_password_file: Option<PathBuf>,

    /// The key file of the second repository
    #[arg(long, value_name = "FILE", conflicts_with = "to_password_file")]
    pub(crate) to_key_file: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) changing: Changing,
}

/// Copies what the second repository does not have.
pub(crate) async fn run(cx: &Context, args: CopyArgs) -> CommandResult {
    let (bare, inner) = (Bare::here(cx)?, cx.clone());
    let second = Bare::other(cx, &args.to, args.to_password_file, args.to_key_file)?;
    let dry_run = args.changing.dry_run;
    let (copied, present, bytes) = cx
        .blocking("Copying", move |progress, cancel| {
            let from = bare.open(&inner)?;
            let to = second.open(&inner)?;
            if from.id() == to.id() {
                return Err(
                    Failure::usage("both are the same repository").hint("name another place with --to")
                );
            }
            let manifests = named(&from, &args.ids)?;
            if dry_run {
                let (copied, present) = missing(&from, &to, manifests.as_deref())?;
                return Ok((copied, present, 0));
            }
            let options = CopyOptions { manifests, progress, cancel, ..CopyOptions::default() };
            let report = copy_snapshots(&from, &to, &options)?;
            let bytes = report.copied.iter().map(|(_, receipt)| receipt.stats.stored_bytes).sum();
            Ok((report.copied.len() as u64, report.skipped.len() as u64, bytes))
        })
        .await?;
    let value = json!({"dry_run": dry_run, "copied": copied, "present": present, "stored_bytes": bytes});
    cx.output.result(&value, |out, _| {
        let would = if dry_run { "would copy" } else { "copied" };
        let snapshots = human::count(copied, "snapshot", "snapshots");
        writeln!(out, "{would} {snapshots} ({} stored), {present} were there already", Size(bytes))
    })?;
    Ok(Exit::Done)
}

/// The named snapshots; `None` for all.
fn named(from: &Repository, ids: &[String]) -> Result<Option<Vec<ManifestId>>, Failure> {
    if ids.is_empty() {
        return Ok(None);
    }
    let listing = bare::manifests(from)?;
    let found = ids.iter().map(|text| Ok(bare::resolve(&listing.readable, text)?.0));
    found.collect::<Result<_, Failure>>().map(Some)
}

/// How many of the wanted snapshots the second repository lacks, and how many it has.
fn missing(from: &Repository, to: &Repository, wanted: Option<&[ManifestId]>) -> Result<(u64, u64), Failure> {
    let there = bare::manifests(to)?.readable;
    let here = bare::manifests(from)?.readable;
    let wanted = here.iter().filter(|(id, _)| wanted.is_none_or(|wanted| wanted.contains(id)));
    let (present, absent): (Vec<_>, Vec<_>) =
        wanted.partition(|(_, manifest)| there.iter().any(|(_, other)| other.snapshot == manifest.snapshot));
    Ok((absent.len() as u64, present.len() as u64))
}
