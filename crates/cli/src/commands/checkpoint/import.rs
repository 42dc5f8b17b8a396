//! `backstay checkpoint import`

use std::collections::BTreeMap;
use std::path::PathBuf;

use backstay_api::checkpoint::NewCheckpoints;
use backstay_client::Checkpoints;
use clap::Args;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::import_files::{Found, Imports};
use super::langgraph_database::is_database;
use super::{ProjectArgs, checkpoints, import_langgraph};
use crate::context::Context;
use crate::failure::{CommandResult, Exit, Failure};
use crate::human;

/// How many are saved with one request.
const TOGETHER: usize = 200;
/// A request is sent when it has this many bytes.
const TOGETHER_BYTES: usize = 8 << 20;
/// How many files are named that were not imported; the result of `--json` names all.
const MOST_NAMED: usize = 20;

/// Save checkpoints from an export, from the folders of a file-based checkpoint manager, or from a database of LangGraph
///
/// A folder of folders is one folder for each job, with a file ID.json for each checkpoint. The checkpoints of a job are saved in
/// the order of their `sequence`, else of their `timestamp`, else of their names. What is kept: the name of the step, the
/// state, metadata, name and version of the workflow. Ids and times are new. A checkpoint whose state is null is
/// listed, and has no state to restore. What cannot be imported is told with its reason and stops nothing else.
///
/// A database of LangGraph's saver for SQLite is only read. Its threads keep their names, checkpoints, channels and pending
/// writes, in the bytes in which they stand there; no object is built from them.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay checkpoint import ./checkpoints/                  each folder in it is a job
  backstay checkpoint import --job nightly ./checkpoints/nightly/
  backstay checkpoint import --job nightly nightly.jsonl     an export
  backstay checkpoint import ./checkpoints.sqlite            the threads of LangGraph")]
pub(crate) struct CheckpointImportArgs {
    /// The file or folder
    #[arg(value_name = "PATH")]
    pub(crate) path: PathBuf,

    /// The job; by default the one that a checkpoint names, else the name of its folder
    #[arg(long, value_name = "JOB")]
    pub(crate) job: Option<String>,

    #[command(flatten)]
    pub(crate) project: ProjectArgs,
}

/// What was imported of one job.
#[derive(Debug, Default, Serialize)]
struct OfJob {
    job_id: String,
    imported: u64,
    without_state: u64,
}

/// What became of a file that was not imported, or not all of it.
#[derive(Debug, Serialize)]
pub(super) struct Told {
    /// The file, and the line in an export.
    pub(super) file: String,
    pub(super) reason: String,
}

/// What the command tells.
#[derive(Debug, Default, Serialize)]
pub(super) struct Report {
    #[serde(serialize_with = "of_each_job")]
    jobs: BTreeMap<String, OfJob>,
    imported: u64,
    /// Not imported.
    pub(super) skipped: Vec<Told>,
    /// Imported without something.
    pub(super) left_out: Vec<Told>,
}

fn of_each_job<S: serde::Serializer>(jobs: &BTreeMap<String, OfJob>, to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(jobs.values())
}

impl Report {
    /// Counts a checkpoint that was imported.
    pub(super) fn count(&mut self, job: &str, without_state: bool) {
        let of = self.jobs.entry(job.to_owned()).or_default();
        job.clone_into(&mut of.job_id);
        of.imported += 1;
        of.without_state += u64::from(without_state);
        self.imported += 1;
    }
}

/// Imports them.
pub(crate) async fn run(cx: &Context, args: CheckpointImportArgs) -> CommandResult {
    if is_database(&args.path) {
        if args.job.is_some() {
            return Err(Failure::usage("the threads of a database keep their names")
                .hint("leave --job out; --project tells where they come to"));
        }
        let report = import_langgraph::import(cx, &args.path, &args.project).await?;
        return tell(cx, &report);
    }
    let mut sender = Sender {
        api: checkpoints(cx, &args.project)?,
        waiting: Vec::new(),
        bytes: 0,
        report: Report::default(),
    };
    let mut imports = Imports::open(&args.path, args.job)?;
    while let Some(found) = imports.next()? {
        sender.add(found).await?;
    }
    sender.send().await?;
    let mut report = sender.report;
    report.skipped.extend(imports.skipped);
    report.left_out.extend(imports.left_out);
    tell(cx, &report)
}

fn tell(cx: &Context, report: &Report) -> CommandResult {
    cx.output.result(report, |out, _| {
        let empty: u64 = report.jobs.values().map(|job| job.without_state).sum();
        writeln!(
            out,
            "imported {} of {} ({empty} without a state), skipped {}",
            human::count(report.imported, "checkpoint", "checkpoints"),
            human::count(report.jobs.len() as u64, "job", "jobs"),
            report.skipped.len(),
        )
    })?;
    for (told, what) in [(&report.skipped, "skipped"), (&report.left_out, "imported in part")] {
        for told in told.iter().take(MOST_NAMED) {
            cx.output.warn(&format!(
                "{}: {what}: {}",
                human::one_line(&told.file),
                human::one_line(&told.reason)
            ));
        }
        if let Some(more) = told.len().checked_sub(MOST_NAMED).filter(|more| *more > 0) {
            cx.output.warn(&format!("{more} more {what}; --json names all"));
        }
    }
    Ok(if report.skipped.is_empty() && report.left_out.is_empty() { Exit::Done } else { Exit::Partial })
}

/// Sends what was read, many with one request.
struct Sender {
    api: Checkpoints,
    waiting: Vec<(Waiting, Box<RawValue>)>,
    bytes: usize,
    report: Report,
}

/// What is told of a checkpoint that was sent.
struct Waiting {
    file: String,
    job: String,
    has_state: bool,
}

impl Sender {
    async fn add(&mut self, found: Found) -> Result<(), Failure> {
        let item = to_raw_value(&found.new)
            .map_err(|error| Failure::usage(format!("{} is not JSON: {error}", found.file)))?;
        let bytes = item.get().len();
        if self.waiting.len() == TOGETHER || (self.bytes > 0 && self.bytes + bytes > TOGETHER_BYTES) {
            self.send().await?;
        }
        self.bytes += bytes;
        let has_state = found.new.state.get() != "null";
        self.waiting.push((Waiting { file: found.file, job: found.new.job_id, has_state }, item));
        Ok(())
    }

    async fn send(&mut self) -> Result<(), Failure> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        self.bytes = 0;
        let (waiting, checkpoints): (Vec<_>, Vec<_>) = std::mem::take(&mut self.waiting).into_iter().unzip();
        let results = self.api.import(&NewCheckpoints { checkpoints, atomic: false }).await?.results;
        for (waiting, result) in waiting.into_iter().zip(results) {
            if result.checkpoint.is_some() {
                self.report.count(&waiting.job, !waiting.has_state);
                continue;
            }
            let reason =
                result.error.map_or_else(|| "the server refused it".to_owned(), |problem| problem.detail);
            self.report.skipped.push(Told { file: waiting.file, reason });
        }
        Ok(())
    }
}
