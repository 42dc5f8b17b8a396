//! `backstay checkpoint`

mod cleanup;
mod delete;
mod diff;
mod export;
mod fork;
mod import;
mod import_files;
mod import_langgraph;
mod langgraph_database;
mod list;
mod restore;
mod save;
mod show;

use std::io::{self, Read};
use std::path::Path;

use backstay_api::checkpoint::{Checkpoint, CheckpointQuery, Order};
use backstay_client::Checkpoints;
use backstay_model::ErrorKind;
use clap::{Args, Subcommand};

use crate::commands::workspaces::server;
use crate::context::Context;
use crate::failure::{CommandResult, Failure};
use crate::human;
use crate::render::table::{Align, Table};
use crate::style::Style;

/// States of jobs: save, list, show, compare, fork, restore, delete
///
/// Works on the server that --server names.
#[derive(Debug, Subcommand)]
pub(crate) enum CheckpointCommand {
    Save(save::CheckpointSaveArgs),
    List(list::CheckpointListArgs),
    Show(show::CheckpointShowArgs),
    Restore(restore::CheckpointRestoreArgs),
    Delete(delete::CheckpointDeleteArgs),
    Cleanup(cleanup::CheckpointCleanupArgs),
    Diff(diff::CheckpointDiffArgs),
    Fork(fork::CheckpointForkArgs),
    Export(export::CheckpointExportArgs),
    Import(import::CheckpointImportArgs),
}

/// Which job.
#[derive(Debug, Args)]
pub(crate) struct JobArgs {
    /// The job
    #[arg(long, value_name = "JOB")]
    pub(crate) job: String,

    #[command(flatten)]
    pub(crate) project: ProjectArgs,
}

/// Which project.
#[derive(Debug, Args)]
pub(crate) struct ProjectArgs {
    /// The project that the job is in
    #[arg(long, value_name = "PROJECT", default_value = "default")]
    pub(crate) project: String,
}

/// Which checkpoint.
#[derive(Debug, Args)]
pub(crate) struct OneArgs {
    /// The checkpoint: its id, or `latest` of the job
    #[arg(long, value_name = "ID", default_value = "latest")]
    pub(crate) checkpoint: String,

    /// The job, for `latest`
    #[arg(long, value_name = "JOB", required_if_eq("checkpoint", "latest"))]
    pub(crate) job: Option<String>,

    #[command(flatten)]
    pub(crate) project: ProjectArgs,
}

/// Runs the command.
pub(crate) async fn run(cx: &Context, command: CheckpointCommand) -> CommandResult {
    match command {
        CheckpointCommand::Save(args) => save::run(cx, args).await,
        CheckpointCommand::List(args) => list::run(cx, args).await,
        CheckpointCommand::Show(args) => show::run(cx, args).await,
        CheckpointCommand::Restore(args) => restore::run(cx, args).await,
        CheckpointCommand::Delete(args) => delete::run(cx, args).await,
        CheckpointCommand::Cleanup(args) => cleanup::run(cx, args).await,
        CheckpointCommand::Diff(args) => diff::run(cx, args).await,
        CheckpointCommand::Fork(args) => fork::run(cx, args).await,
        CheckpointCommand::Export(args) => export::run(cx, args).await,
        CheckpointCommand::Import(args) => import::run(cx, args).await,
    }
}

/// The checkpoints of the project on the server.
fn checkpoints(cx: &Context, project: &ProjectArgs) -> Result<Checkpoints, Failure> {
    Ok(server(cx)?.checkpoints(&project.project))
}

/// The id that `args` name.
async fn id_of(api: &Checkpoints, args: &OneArgs) -> Result<String, Failure> {
    if args.checkpoint != "latest" {
        return Ok(args.checkpoint.clone());
    }
    let job_id = args.job.clone().unwrap_or_default();
    let query =
        CheckpointQuery { job_id, limit: Some(1), order: Some(Order::Desc), ..CheckpointQuery::default() };
    let newest = api.list(&query).await?.checkpoints.pop();
    newest.map(|checkpoint| checkpoint.checkpoint_id).ok_or_else(|| {
        Failure::new(ErrorKind::NotFound, format!("job {} has no checkpoint", human::one_line(&query.job_id)))
            .hint("`backstay checkpoint save` saves one")
    })
}

/// The text of a file, or of standard input for `-`.
pub(crate) fn read_text(path: &Path) -> Result<String, Failure> {
    if path == Path::new("-") {
        let mut text = String::new();
        io::stdin()
            .read_to_string(&mut text)
            .map_err(|error| Failure::io("cannot read standard input", &error))?;
        return Ok(text);
    }
    std::fs::read_to_string(path)
        .map_err(|error| Failure::io(format!("cannot read {}", path.display()), &error))
}

/// Text that must be JSON, to be sent as it is.
pub(crate) fn json(what: &str, text: &str) -> Result<Box<serde_json::value::RawValue>, Failure> {
    serde_json::value::RawValue::from_string(text.trim().to_owned())
        .map_err(|error| Failure::usage(format!("the {what} is not JSON: {error}")))
}

/// Checkpoints as a table.
fn table(out: &mut dyn io::Write, style: Style, checkpoints: &[Checkpoint]) -> io::Result<()> {
    let mut table = Table::new(&[
        ("SEQ", Align::Right),
        ("ID", Align::Left),
        ("STEP", Align::Left),
        ("SAVED", Align::Left),
        ("SIZE", Align::Right),
    ]);
    for checkpoint in checkpoints {
        table.row(vec![
            checkpoint.sequence.to_string(),
            checkpoint.checkpoint_id.clone(),
            human::one_line(&checkpoint.step_name),
            checkpoint.timestamp.to_string(),
            human::grouped(checkpoint.size_bytes),
        ]);
    }
    table.write(out, style)
}
