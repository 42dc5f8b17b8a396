//! `backstay checkpoint cleanup`

use backstay_api::checkpoint::CleanJob;
use clap::Args;

use super::{JobArgs, checkpoints};
use crate::args::Changing;
use crate::context::Context;
use crate::failure::{CommandResult, Exit};

/// Delete all but the newest checkpoints of a job; protected ones stay besides
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay checkpoint cleanup --job nightly --keep 3 --dry-run")]
pub(crate) struct CheckpointCleanupArgs {
    #[command(flatten)]
    pub(crate) job: JobArgs,

    /// How many of the newest stay
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) keep: u32,

    #[command(flatten)]
    pub(crate) changing: Changing,
}

/// Cleans the job.
pub(crate) async fn run(cx: &Context, args: CheckpointCleanupArgs) -> CommandResult {
    let api = checkpoints(cx, &args.job.project)?;
    let dry_run = args.changing.dry_run;
    let how = CleanJob { job_id: args.job.job, keep_last: args.keep, dry_run };
    let cleaned = api.clean(&how).await?;
    cx.output.result(&cleaned, |out, _| {
        let verb = if dry_run { "would delete" } else { "deleted" };
        writeln!(out, "{verb} {}, kept {}", cleaned.deleted_count, cleaned.kept_count)
    })?;
    Ok(Exit::Done)
}
