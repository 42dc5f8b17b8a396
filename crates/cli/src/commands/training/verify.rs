//! `backstay training verify`

use std::path::Path;

use clap::Args;
use serde_json::json;

use super::files::{self, Facts};
use super::{Runs, described, path_of, quiet_run};
use crate::context::Context;
use crate::failure::{CommandResult, Exit};
use crate::human;

/// Prove that a snapshot is whole and can be loaded
///
/// Of a file every checksum is checked. Of a snapshot in the repository every byte is read back, and it is loaded.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay training verify network.h5
  backstay training verify spirals")]
pub(crate) struct TrainingVerifyArgs {
    /// A file, a run (its present state), RUN:LABEL, or an id
    #[arg(value_name = "SNAPSHOT")]
    pub(crate) snapshot: String,
}

/// Verifies.
pub(crate) async fn run(cx: &Context, args: TrainingVerifyArgs) -> CommandResult {
    let path = path_of(cx, Path::new(&args.snapshot))?;
    if path.is_file() { verify_file(cx, &path) } else { verify_stored(cx, &args.snapshot).await }
}

fn verify_file(cx: &Context, path: &Path) -> CommandResult {
    match files::read(path) {
        Ok(snapshot) => {
            let facts = Facts::of(&snapshot);
            cx.output.result(&json!({"valid": true, "file": facts}), |out, _| {
                writeln!(out, "✓ File is a valid network snapshot")?;
                facts.write(out)?;
                if facts.has_history { writeln!(out, "✓ Contains history") } else { Ok(()) }
            })?;
            Ok(Exit::Done)
        }
        Err(failure) => {
            let problem = failure.to_string();
            cx.output.result(&json!({"valid": false, "problem": problem}), |out, _| {
                writeln!(out, "✗ {}", human::one_line(&problem))
            })?;
            Ok(Exit::Negative)
        }
    }
}

async fn verify_stored(cx: &Context, text: &str) -> CommandResult {
    let runs = Runs::open(cx).await?;
    let found = runs.find(text).await?;
    let report = runs.service.verify_training(&runs.caller, &found.id, &quiet_run(cx)).await?;
    let result = json!({"valid": report.healthy, "snapshot": found, "report": report});
    cx.output.result(&result, |out, _| {
        if report.healthy {
            writeln!(out, "✓ Snapshot is whole and can be loaded: {}", described(&found))?;
            return writeln!(out, "{} bytes were read", human::grouped(report.bytes_read));
        }
        writeln!(out, "✗ Snapshot is damaged: {}", described(&found))?;
        for damage in &report.damage {
            writeln!(out, "  {}: {}", human::one_line(&damage.object), human::one_line(&damage.reason))?;
        }
        Ok(())
    })?;
    Ok(if report.healthy { Exit::Done } else { Exit::Negative })
}
