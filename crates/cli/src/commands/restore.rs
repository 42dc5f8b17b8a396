//! `backstay restore`

use std::path::{Path, PathBuf};
use std::time::Instant;

use backstay_api::operation::Operation;
use backstay_api::restore::RestorePlan;
use backstay_service::view::RestoreRequest;
use clap::Args;

use crate::args::Changing;
use crate::backend::{Backend, on};
use crate::context::Context;
use crate::failure::{CommandResult, Exit, Failure};
use crate::{human, render};

/// Put the workspace, or some paths of it, back to a snapshot
///
/// The state before is saved first, so `backstay undo` takes it back. Everything is staged and checked before the first
/// file changes. Files that the snapshot does not have are deleted, except excluded ones.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay restore latest
  backstay restore latest~2 src 'docs/*.md'  only these
  backstay restore latest --dry-run          show what would change
  backstay restore latest --to /tmp/copy     into an empty directory
  backstay restore latest --keep-new         delete nothing")]
pub(crate) struct RestoreArgs {
    /// The snapshot: an id, a unique prefix of one, `latest` or `latest~N`
    #[arg(value_name = "ID")]
    pub(crate) id: String,

    /// Put back only these paths or globs
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,

    /// Write into DIR, which is empty or does not exist, and leave the workspace alone
    #[arg(long, value_name = "DIR")]
    pub(crate) to: Option<PathBuf>,

    /// Keep files that the snapshot does not have
    #[arg(long)]
    pub(crate) keep_new: bool,

    #[command(flatten)]
    pub(crate) changing: Changing,
}

/// Plans, shows the plan, restores, shows what was done.
pub(crate) async fn run(cx: &Context, args: RestoreArgs) -> CommandResult {
    let backend = Backend::open(cx).await?;
    let id = on!(backend, resolve(&args.id))?;
    let request = RestoreRequest { paths: on!(backend, scope(&args.paths))?, keep_new: args.keep_new };
    if let Some(target) = args.to {
        return into_directory(cx, &backend, &id, request, &target, args.changing).await;
    }
    let named = request.paths.clone();
    let plan = on!(backend, plan_restore(cx, &id, request))?;
    check_named(&backend, &plan, &named).await?;
    if args.changing.dry_run {
        cx.output.result(&plan, |out, style| {
            for change in &plan.changes {
                render::change::line(out, style, change)?;
            }
            if plan.truncated {
                writeln!(out, "… and more")?;
            }
            render::operation::not_restored(out, style, &plan.cannot_restore)?;
            writeln!(out, "{}", render::change::summary(&plan.summary))
        })?;
        return Ok(exit(plan.cannot_restore.is_empty()));
    }
    cx.output.event("plan", &plan.summary);
    cx.output.note(&format!("plan: {}", render::change::summary(&plan.summary)));
    let started = Instant::now();
    let operation = on!(backend, restore(cx, &plan, args.changing.wait))?;
    report(cx, &operation, &format!("restored {id}"), started)?;
    if operation.serial_after.is_some() {
        cx.output.hint("`backstay undo` takes it back");
    }
    Ok(exit(operation.not_restored.is_empty()))
}

/// Refuses a path that neither the snapshot nor the workspace has: it is misspelt.
async fn check_named(backend: &Backend, plan: &RestorePlan, named: &[String]) -> Result<(), Failure> {
    let is_pattern = |path: &str| path.contains(['*', '?', '[', '{']);
    for path in named.iter().filter(|path| !is_pattern(path)) {
        let below = format!("{path}/");
        let changes = |changed: &str| changed == path || changed.starts_with(&below);
        if !plan.truncated && !plan.changes.iter().any(|change| changes(&change.path)) {
            on!(backend, entry(&plan.snapshot_id, path))?;
        }
    }
    Ok(())
}

async fn into_directory(
    cx: &Context,
    backend: &Backend,
    id: &str,
    request: RestoreRequest,
    target: &Path,
    changing: Changing,
) -> CommandResult {
    if changing.dry_run {
        return Err(Failure::usage("--dry-run has nothing to show for --to: the directory must be empty")
            .hint("`backstay show ID --files` lists what it would get"));
    }
    let target = cx.directory()?.join(target);
    let started = Instant::now();
    let report = on!(backend, restore_to(cx, id, request, &target))?;
    cx.output.result(&report, |out, style| {
        render::operation::not_restored(out, style, &report.not_restored)?;
        writeln!(
            out,
            "restored {id} into {} ({})",
            target.display(),
            render::change::summary(&report.written)
        )
    })?;
    cx.output.note(&format!("in {}", human::elapsed(started.elapsed())));
    Ok(exit(report.not_restored.is_empty()))
}

/// Prints an operation that has ended.
pub(crate) fn report(
    cx: &Context,
    operation: &Operation,
    what: &str,
    started: Instant,
) -> Result<(), Failure> {
    cx.output.result(operation, |out, style| {
        render::operation::not_restored(out, style, &operation.not_restored)?;
        let changed = operation.changed_paths.as_ref().map(render::change::summary);
        writeln!(out, "{what}: {}", changed.as_deref().unwrap_or("nothing changed"))
    })?;
    cx.output.note(&format!("operation {} in {}", operation.id, human::elapsed(started.elapsed())));
    Ok(())
}

/// The exit code of an operation that put everything back, or not.
pub(crate) const fn exit(everything: bool) -> Exit {
    if everything { Exit::Done } else { Exit::Partial }
}
