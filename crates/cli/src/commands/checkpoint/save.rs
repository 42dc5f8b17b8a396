//! `backstay checkpoint save`

use std::path::PathBuf;

use backstay_api::checkpoint::NewCheckpoint;
use clap::Args;

use super::{JobArgs, checkpoints, json, read_text};
use crate::context::Context;
use crate::failure::{CommandResult, Exit};

/// Save a state of a job
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay checkpoint save --job nightly --step load state.json
  echo '{\"rows\": 12}' | backstay checkpoint save --job nightly --step load -")]
pub(crate) struct CheckpointSaveArgs {
    /// The file with the state, a JSON object; `-` for standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    /// The name of the step
    #[arg(long, value_name = "NAME")]
    pub(crate) step: String,

    /// A JSON object to keep with it
    #[arg(long, value_name = "JSON")]
    pub(crate) metadata: Option<String>,

    /// After how many seconds it may go
    #[arg(long, value_name = "SECONDS")]
    pub(crate) ttl: Option<u64>,

    #[command(flatten)]
    pub(crate) job: JobArgs,
}

/// Saves the state.
pub(crate) async fn run(cx: &Context, args: CheckpointSaveArgs) -> CommandResult {
    let api = checkpoints(cx, &args.job.project)?;
    let new = NewCheckpoint {
        job_id: args.job.job,
        step_name: args.step,
        state: json("state", &read_text(&args.file)?)?,
        metadata: args.metadata.map(|text| json("metadata", &text)).transpose()?,
        workflow_name: None,
        workflow_version: None,
        parent_id: None,
        execution_id: None,
        ttl_s: args.ttl,
        pinned: false,
        epoch: None,
    };
    let made = api.create(&new).await?;
    cx.output.result(&made, |out, _| writeln!(out, "{}", made.checkpoint_id))?;
    Ok(Exit::Done)
}
