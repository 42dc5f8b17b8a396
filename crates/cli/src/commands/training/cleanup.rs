//! `backstay training cleanup`

use std::cmp::Reverse;
use std::fs;
use std::path::{Path, PathBuf};

use backstay_model::retention::training::{Best, Mode, TrainingRules};
use clap::Args;
use serde_json::json;

use super::{Runs, files, list, path_of};
use crate::context::Context;
use crate::failure::{CommandResult, Exit, Failure};
use crate::human;

/// Delete old snapshots: of a run by its keep rules, or the oldest valid files of a directory
///
/// A snapshot of a run stays when any rule keeps it. Without rules here, those of the run hold. What is pinned or held, the last good
/// one, what a run was forked from, and without --manual what a person asked for, stay always. In a directory files that are no valid
/// snapshot are left alone.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay training cleanup spirals --dry-run
  backstay training cleanup spirals --keep 5 --best 3 --metric val_loss
  backstay training cleanup ./snapshots/ --keep 10")]
pub(crate) struct TrainingCleanupArgs {
    /// A run, or a directory with .h5 files
    #[arg(value_name = "RUN|DIR")]
    pub(crate) target: String,

    /// Keep the newest N (of a directory: 10 without it)
    #[arg(long, value_name = "N")]
    pub(crate) keep: Option<u32>,

    /// Keep the best K by --metric
    #[arg(long, value_name = "K")]
    pub(crate) best: Option<u32>,

    /// The metric: loss, accuracy, val_loss, val_accuracy or correlation
    #[arg(long, value_name = "METRIC", default_value = "loss")]
    pub(crate) metric: String,

    /// Whether more of the metric is better (default: for accuracies and the correlation)
    #[arg(long, value_enum, value_name = "MODE")]
    pub(crate) mode: Option<ModeArg>,

    /// Keep the first snapshot of every M epochs
    #[arg(long, value_name = "M")]
    pub(crate) every: Option<u64>,

    /// Let snapshots that a person asked for go, too
    #[arg(long)]
    pub(crate) manual: bool,

    /// Show what would go, and delete nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// Which way a metric is better.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(crate) enum ModeArg {
    /// Less is better
    Min,
    /// More is better
    Max,
}

/// Cleans up.
pub(crate) async fn run(cx: &Context, args: TrainingCleanupArgs) -> CommandResult {
    let path = path_of(cx, Path::new(&args.target))?;
    if path.is_dir() {
        if args.best.is_some() || args.every.is_some() || args.manual {
            return Err(Failure::usage("a directory takes --keep alone")
                .hint("name a run for the other rules, or write the directory's name otherwise"));
        }
        return cleanup_files(cx, &path, args.keep.unwrap_or(10), args.dry_run);
    }
    let runs = Runs::open(cx).await?;
    let run = runs.service.resolve_training_run(&runs.caller, &args.target).await?;
    let done = runs.service.cleanup_training(&runs.caller, &run.id, rules_of(&args), args.dry_run).await?;
    cx.output.result(&done, |out, style| {
        for decision in &done.decisions {
            let word = if decision.keep { style.good("keep  ") } else { style.warning("delete") };
            let reasons: Vec<String> =
                decision.reasons.iter().map(|reason| human::one_line(&reason.to_string())).collect();
            writeln!(out, "{word}  {}  {}", decision.id, reasons.join(", "))?;
        }
        let deleted = if done.dry_run { "would be deleted" } else { "deleted" };
        writeln!(out, "{} kept, {} {deleted}", done.kept, done.removed)
    })?;
    if done.removed > 0 && !done.dry_run {
        cx.output.hint("`backstay repository collect` frees the space");
    }
    Ok(Exit::Done)
}

/// The rules that were given; `None` for those of the run.
fn rules_of(args: &TrainingCleanupArgs) -> Option<TrainingRules> {
    if args.keep.is_none() && args.best.is_none() && args.every.is_none() && !args.manual {
        return None;
    }
    let more_is_better = args.metric.ends_with("accuracy") || args.metric == "correlation";
    let default = if more_is_better { Mode::Max } else { Mode::Min };
    let mode = match args.mode {
        Some(ModeArg::Max) => Mode::Max,
        Some(ModeArg::Min) => Mode::Min,
        None => default,
    };
    Some(TrainingRules {
        last: args.keep.unwrap_or(0),
        best: args.best.map(|k| Best { k, metric: args.metric.clone(), mode }),
        every: args.every,
        manual: args.manual,
    })
}

/// Deletes all but the newest valid files. The newest are read before anything goes.
fn cleanup_files(cx: &Context, directory: &Path, keep: u32, dry_run: bool) -> CommandResult {
    let mut valid = Vec::new();
    for path in list::files_of(directory)? {
        if let Ok(snapshot) = files::read(&path) {
            let changed = fs::metadata(&path).and_then(|metadata| metadata.modified()).ok();
            valid.push((Reverse((snapshot.header.created, changed)), path));
        }
    }
    valid.sort();
    let old: Vec<PathBuf> = valid.into_iter().skip(keep as usize).map(|(_, path)| path).collect();
    if !dry_run {
        for path in &old {
            fs::remove_file(path)
                .map_err(|error| Failure::io(format!("cannot delete {}", path.display()), &error))?;
        }
    }
    let names: Vec<String> = old
        .iter()
        .map(|path| path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default())
        .collect();
    cx.output.result(&json!({"dry_run": dry_run, "deleted": names}), |out, _| {
        if names.is_empty() {
            return writeln!(out, "No old files to delete");
        }
        names.iter().try_for_each(|name| writeln!(out, "{}", human::one_line(name)))?;
        if dry_run {
            writeln!(out, "Would delete {} old snapshot files", names.len())
        } else {
            writeln!(out, "✓ Deleted {} old snapshot files", names.len())
        }
    })?;
    Ok(Exit::Done)
}
