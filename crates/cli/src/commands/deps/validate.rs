//! `backstay deps validate`

use std::io::Write;

use backstay_api::declared::{DependencyValidation, FileValidation, ValidationQuery};
use backstay_service::view::DependencyAction;
use clap::Args;

use super::{Staging, asked, notes};
use crate::args::Changing;
use crate::backend::dependencies::{self, Needs};
use crate::context::Context;
use crate::failure::{CommandResult, Exit, Failure};

/// Check graft.yaml, graft.lock, and whether each checkout is what the lock says
#[derive(Debug, Args)]
#[command(after_long_help = "\
Exit codes:
  0 all is right, 1 a file is wrong, 2 a checkout is not what the lock says")]
pub(crate) struct ValidateArgs {
    /// Only graft.yaml
    #[arg(long, conflicts_with_all = ["lock", "integrity"])]
    pub(crate) config: bool,

    /// Only graft.lock
    #[arg(long, conflicts_with = "integrity")]
    pub(crate) lock: bool,

    /// Only the checkouts
    #[arg(long)]
    pub(crate) integrity: bool,

    /// Also check that every declared change names a ref of this repository
    #[arg(long)]
    pub(crate) refs: bool,

    /// Mend graft.lock first: the newest format, commits instead of annotated tags
    #[arg(long)]
    pub(crate) fix: bool,

    #[command(flatten)]
    pub(crate) staging: Staging,

    #[command(flatten)]
    pub(crate) changing: Changing,
}

/// Validates.
pub(crate) async fn run(cx: &Context, args: ValidateArgs) -> CommandResult {
    if args.fix {
        fix(cx, &args).await?;
    }
    let wanted = |part: bool| part.then_some(true);
    let what = ValidationQuery {
        config: wanted(args.config),
        lock: wanted(args.lock),
        integrity: wanted(args.integrity),
        refs: wanted(args.refs),
    };
    let report = dependencies::validate(cx, what).await?;
    cx.output.result(&report, |out, _| show(out, &report))?;
    for part in [&report.config, &report.lock].into_iter().flatten() {
        part.warnings.iter().for_each(|warning| cx.output.warn(warning));
    }
    let files_are_wrong = [&report.config, &report.lock].into_iter().flatten().any(|part| !part.valid);
    Ok(match (&report.integrity, files_are_wrong) {
        (_, true) => Exit::Negative,
        (Some(integrity), false) if !integrity.valid => {
            // A lock that is not there is no mismatch.
            let compared = integrity.results.iter().any(|result| result.expected_commit.is_some());
            if compared { Exit::Mismatch } else { Exit::Negative }
        }
        _ => Exit::Done,
    })
}

async fn fix(cx: &Context, args: &ValidateArgs) -> Result<(), Failure> {
    let change = asked(DependencyAction::Fix, args.changing, Some(args.staging), None);
    let report = dependencies::change(cx, Needs::Lock, "Mending", args.changing.wait, change).await?;
    for one in &report.dependencies {
        cx.output.note(&format!("{}: the lock named an annotated tag and names its commit now", one.name));
    }
    for name in &report.dropped {
        cx.output.note(&format!("{name}: dropped from graft.lock"));
    }
    notes(cx, &report);
    Ok(())
}

fn show(out: &mut dyn Write, report: &DependencyValidation) -> std::io::Result<()> {
    let part = |out: &mut dyn Write, name: &str, good: &str, part: &FileValidation| {
        if part.valid {
            return writeln!(out, "{name}: {good}");
        }
        writeln!(out, "{name}: invalid")?;
        part.errors.iter().try_for_each(|error| writeln!(out, "  {error}"))
    };
    if let Some(config) = &report.config {
        part(out, "graft.yaml", "Schema is valid", config)?;
    }
    if let Some(lock) = &report.lock {
        part(out, "graft.lock", "Lock file is valid", lock)?;
    }
    if let Some(integrity) = &report.integrity {
        writeln!(out, "Integrity:")?;
        for result in &integrity.results {
            let mark = if result.valid { "✓" } else { "✗" };
            writeln!(out, "  {mark} {}: {}", result.name, result.message)?;
        }
    }
    writeln!(out, "{}", if report.overall { "Validation successful" } else { "Validation failed" })
}
