//! `backstay save`

use std::path::PathBuf;
use std::time::Instant;

use backstay_service::view::NewSnapshot;
use clap::Args;
use serde_json::json;

use crate::args::Changing;
use crate::backend::{Backend, on};
use crate::commands::group::GroupSaveArgs;
use crate::context::Context;
use crate::failure::{CommandResult, Exit, Failure};
use crate::{human, render};

/// Save the workspace, or some paths of it, as a snapshot
///
/// Prints the id of the new snapshot. Files that did not change since the last one are not read. A file that changes
/// while it is read is tried again three times, then captured with a warning and exit code 3.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay save
  backstay save src docs --label 'before the refactoring' --pin
  backstay save --exclude '*.log' --respect-gitignore
  backstay save --group nightly ~/app ~/data")]
pub(crate) struct SaveArgs {
    /// Save only these paths
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,

    /// A name for the snapshot, up to 200 characters
    #[arg(long, short, value_name = "TEXT")]
    pub(crate) label: Option<String>,

    /// Protect the snapshot from deletion
    #[arg(long)]
    pub(crate) pin: bool,

    /// Save several workspaces as one: all of them or none
    #[arg(long, num_args = 2.., value_names = ["NAME", "DIR"], conflicts_with_all = ["paths", "pin"])]
    pub(crate) group: Option<Vec<String>>,

    /// Leave out what matches PATTERN (gitignore language); repeatable
    #[arg(long, value_name = "PATTERN")]
    pub(crate) exclude: Vec<String>,

    /// Leave out what git ignores
    #[arg(long)]
    pub(crate) respect_gitignore: bool,

    /// Include `.git`
    #[arg(long)]
    pub(crate) with_git: bool,

    /// Include other file systems mounted inside
    #[arg(long)]
    pub(crate) cross_mounts: bool,

    /// Fail when a file changes while it is read
    #[arg(long)]
    pub(crate) strict: bool,

    /// Record what cannot be read instead of failing; a restore leaves it alone
    #[arg(long)]
    pub(crate) allow_unreadable: bool,

    #[command(flatten)]
    pub(crate) changing: Changing,
}

/// Saves and prints the id.
pub(crate) async fn run(cx: &Context, args: SaveArgs) -> CommandResult {
    if let Some(words) = args.group {
        let (name, directories) =
            words.split_first().ok_or_else(|| Failure::usage("--group needs a name"))?;
        let args = GroupSaveArgs {
            name: name.clone(),
            directories: directories.iter().map(PathBuf::from).collect(),
            label: args.label,
            changing: args.changing,
        };
        return super::group::save(cx, args).await;
    }
    let backend = Backend::open(cx).await?;
    let request = NewSnapshot {
        label: args.label.unwrap_or_default(),
        paths: on!(backend, scope(&args.paths))?,
        excludes: args.exclude,
        respect_gitignore: args.respect_gitignore,
        with_git: args.with_git,
        cross_mounts: args.cross_mounts,
        allow_unreadable: args.allow_unreadable,
        strict: args.strict,
        pin: args.pin,
        ..NewSnapshot::default()
    };
    if args.changing.dry_run {
        return dry_run(cx, &backend, &request).await;
    }
    let started = Instant::now();
    let snapshot = on!(backend, save(cx, request, args.changing.wait))?;
    cx.output.result(&snapshot, |out, _| writeln!(out, "{}", snapshot.id))?;
    cx.output.note(&format!(
        "saved {} in {}",
        render::snapshot::summary(&snapshot),
        human::elapsed(started.elapsed())
    ));
    for warning in snapshot.warnings.iter().flatten() {
        cx.output.warn(&render::snapshot::warning_line(warning));
    }
    Ok(if snapshot.warning_count > 0 { Exit::Partial } else { Exit::Done })
}

/// Shows what a save would capture anew: what differs from the latest snapshot.
async fn dry_run(cx: &Context, backend: &Backend, request: &NewSnapshot) -> CommandResult {
    let latest = on!(backend, latest())?;
    let Some(latest) = latest else {
        cx.output.result(&json!({"dry_run": true, "parent": null, "changes": null}), |out, _| {
            writeln!(out, "this would be the first snapshot: everything is new")
        })?;
        return Ok(Exit::Done);
    };
    let page = on!(backend, diff(cx, &latest, None, &request.paths))?;
    let value = json!({"dry_run": true, "parent": latest, "changes": page.changes, "total": page.total});
    cx.output.result(&value, |out, style| {
        for change in &page.changes {
            render::change::line(out, style, change)?;
        }
        writeln!(out, "{} since {latest}", human::count(page.total, "change", "changes"))
    })?;
    Ok(Exit::Done)
}
