//! `backstay repository restore`

use std::path::PathBuf;

use backstay_model::{ErrorKind, Kind, OperationId};
use backstay_repository::{Manifest, Repository};
use backstay_source::RestoreContext;
use backstay_source_workspace::{Selection, Steps, restore_to};
use clap::Args;
use serde_json::json;

use crate::backend::bare::{self, Bare};
use crate::context::Context;
use crate::failure::{CommandResult, Exit, Failure};
use crate::human::{self, Size};

/// Restore a snapshot into an empty directory
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay repository restore latest --to /tmp/app --repository /backup/app --password-file pw")]
pub(crate) struct RestoreArgs {
    /// The snapshot: an id, a unique prefix of one, `latest` or `latest~N`
    #[arg(value_name = "ID")]
    pub(crate) id: String,

    /// Restore only these paths or globs
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,

    /// Where to; empty or not existing
    #[arg(long, value_name = "DIR", required = true)]
    pub(crate) to: PathBuf,
}

/// Restores.
pub(crate) async fn run(cx: &Context, args: RestoreArgs) -> CommandResult {
    let bare = Bare::here(cx)?;
    let target = cx.directory()?.join(&args.to);
    let patterns: Vec<Vec<u8>> =
        args.paths.iter().map(|path| path.as_os_str().as_encoded_bytes().to_vec()).collect();
    let selection = if patterns.is_empty() { Selection::all() } else { Selection::of_patterns(&patterns)? };
    let (inner, text, into) = (cx.clone(), args.id.clone(), target.clone());
    let (manifest, report) = cx
        .blocking("Restoring", move |progress, cancel| {
            let repository: Repository = bare.open(&inner)?;
            let (_, manifest): (_, Manifest) = bare::resolve(&bare::manifests(&repository)?.readable, &text)?;
            if manifest.kind != Kind::Workspace {
                return Err(Failure::new(
                    ErrorKind::Conflict,
                    format!("{} is the state of a {}, not of a directory", manifest.snapshot, manifest.kind),
                ));
            }
            let operation = OperationId::generate(inner.clock.now(), &*inner.rng);
            let threads = std::thread::available_parallelism().map_or(2, usize::from);
            let context = RestoreContext { progress, cancel, threads };
            let reader = repository.reader();
            let report =
                restore_to(&into, &manifest, &reader, &selection, &operation, &context, &Steps::unlimited())?;
            Ok((manifest, report))
        })
        .await?;
    let lost: Vec<_> = report
        .not_restored
        .iter()
        .map(|lost| json!({"path": String::from_utf8_lossy(&lost.path), "reason": lost.reason}))
        .collect();
    let value = json!({
        "snapshot_id": manifest.snapshot,
        "target": target,
        "created": report.created,
        "bytes": report.written_bytes,
        "not_restored": lost,
    });
    cx.output.result(&value, |out, style| {
        for lost in &report.not_restored {
            let path = String::from_utf8_lossy(&lost.path);
            writeln!(out, "{} {}: {}", style.warning("not restored:"), human::one_line(&path), lost.reason)?;
        }
        let entries = human::count(report.created, "entry", "entries");
        writeln!(out, "restored {entries}, {} into {}", Size(report.written_bytes), target.display())
    })?;
    Ok(if report.not_restored.is_empty() { Exit::Done } else { Exit::Partial })
}
