//! `backstay checkpoint import`

use std::collections::BTreeMap;
use std::path::PathBuf;

use backstay_api::checkpoint::NewCheckpoints;
use backstay_client::Checkpoints;
use clap::Args;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::import_files::{Found, Imports};
use super::{ProjectArgs, checkpoints};
use crate::context::Context;
use crate::failure::{CommandResult, Exit, Failure};
use crate::human;

/// How many are saved with one request.
const TOGETHER: usize = 200;
/// A request is sent when it has this many bytes.
const TOGETHER_BYTES: usize = 8 << 20;
/// How many files are named that were not imported; the result of `--json` names all.
const MOST_NAMED: usize = 20;

/// Save checkpoints from an export, or from the folders of a file-based checkpoint manager
///
/// A folder of folders is one folder for each job, with a file ID.json for each checkpoint. The checkpoints of a job are saved in
/// the order of their `sequence`, else of their `timestamp`, else of their names. What is kept: the name of the step, the
/// state, metadata, name and version of the workflow. Ids and times are new. A checkpoint whose state is null is
/// listed, and has no state to restore. What cannot be imported is told with its reason and stops nothing else.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay checkpoint import ./checkpoints/                  each folder in it is a job
  backstay checkpoint import --job nightly ./checkpoints/nightly/
  backstay checkpoint import --job nightly nightly.jsonl     an export")]
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
struct Imported {
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
#[derive(Debug, Serialize)]
struct Report {
    jobs: Vec<Imported>,
    imported: u64,
    /// Not imported.
    skipped: Vec<Told>,
    /// Imported without something.
    left_out: Vec<Told>,
}

/// Imports them.
pub(crate) async fn run(cx: &Context, args: CheckpointImportArgs) -> CommandResult {
    let mut sender = Sender {
        api: checkpoints(cx, &args.project)?,
        waiting: Vec::new(),
        bytes: 0,
        jobs: BTreeMap::new(),
        skipped: Vec::new(),
    };
    let mut imports = Imports::open(&args.path, args.job)?;
    while let Some(found) = imports.next()? {
        sender.add(found).await?;
    }
    sender.send().await?;
    let Sender { jobs, mut skipped, .. } = sender;
    skipped.extend(imports.skipped);
    let jobs: Vec<Imported> = jobs.into_values().collect();
    let imported = jobs.iter().map(|job| job.imported).sum();
    let report = Report { jobs, imported, skipped, left_out: imports.left_out };
    cx.output.result(&report, |out, _| {
        let empty: u64 = report.jobs.iter().map(|job| job.without_state).sum();
        writeln!(
            out,
            "imported {} of {} ({empty} without a state), skipped {}",
            human::count(imported, "checkpoint", "checkpoints"),
            human::count(report.jobs.len() as u64, "job", "jobs"),
            report.skipped.len(),
        )
    })?;
    for (told, what) in [(&report.skipped, "skipped"), (&report.left_out, "imported in part")] {
        for told in told.iter().take(MOST_NAMED) {
            cx.output.warn(&format!("{}: {what}: {}", human::one_line(&told.file), human::one_line(&told.reason)));
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
    jobs: BTreeMap<String, Imported>,
    skipped: Vec<Told>,
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
                let job = self.jobs.entry(waiting.job.clone()).or_default();
                job.job_id = waiting.job;
                job.imported += 1;
                job.without_state += u64::from(!waiting.has_state);
                continue;
            }
            let reason = result.error.map_or_else(|| "the server refused it".to_owned(), |problem| problem.detail);
            self.skipped.push(Told { file: waiting.file, reason });
        }
        Ok(())
    }
}
