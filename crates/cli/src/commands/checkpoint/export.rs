//! `backstay checkpoint export`

use std::io::Write;
use std::path::PathBuf;

use backstay_api::checkpoint::{CheckpointQuery, Form};
use backstay_client::ClientError;
use clap::Args;
use serde_json::json;

use super::{JobArgs, checkpoints};
use crate::context::Context;
use crate::failure::{CommandResult, Exit, Failure};

/// Write the checkpoints of a job to a file, one JSON object in each line
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay checkpoint export --job nightly nightly.jsonl")]
pub(crate) struct CheckpointExportArgs {
    /// The file; must not exist
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    #[command(flatten)]
    pub(crate) job: JobArgs,
}

/// Exports them, oldest first. Typed checkpoints are passed over and counted.
pub(crate) async fn run(cx: &Context, args: CheckpointExportArgs) -> CommandResult {
    let api = checkpoints(cx, &args.job.project)?;
    let failed = |error| Failure::io(format!("cannot write {}", args.file.display()), &error);
    let file = std::fs::OpenOptions::new().write(true).create_new(true).open(&args.file).map_err(failed)?;
    let mut out = std::io::BufWriter::new(file);
    let (mut exported, mut passed_over, mut offset) = (0_u64, 0_u64, 0);
    loop {
        let query = CheckpointQuery {
            job_id: args.job.job.clone(),
            limit: Some(1000),
            offset: Some(offset),
            ..CheckpointQuery::default()
        };
        let page = api.list(&query).await?;
        if page.checkpoints.is_empty() {
            break;
        }
        offset += page.checkpoints.len() as u64;
        for checkpoint in page.checkpoints {
            if checkpoint.form == Form::Typed {
                passed_over += 1;
                continue;
            }
            let whole = match api.get(&checkpoint.checkpoint_id).await {
                // It was imported without a state, and an import of the export makes the same of it.
                Err(ClientError::Problem { problem, .. }) if problem.code == "no_state" => checkpoint,
                whole => whole?,
            };
            serde_json::to_writer(&mut out, &whole).map_err(|error| failed(error.into()))?;
            out.write_all(b"\n").map_err(failed)?;
            exported += 1;
        }
    }
    let file = out.into_inner().map_err(|error| failed(error.into_error()))?;
    file.sync_all().map_err(failed)?;
    let report = json!({"job_id": args.job.job, "exported": exported, "passed_over": passed_over});
    cx.output.result(&report, |out, _| {
        writeln!(out, "exported {exported}, passed over {passed_over} typed ones")
    })?;
    Ok(if passed_over > 0 { Exit::Partial } else { Exit::Done })
}
