//! `backstay training list`

use std::fs;
use std::path::{Path, PathBuf};

use backstay_service::PageRequest;
use backstay_service::view::{TrainingRun, TrainingSnapshot};
use clap::Args;
use serde::Serialize;
use serde_json::json;

use super::files::{self, Facts};
use super::{Runs, path_of};
use crate::context::Context;
use crate::failure::{CommandResult, Exit, Failure};
use crate::human;
use crate::render::table::{Align, Table};

/// List runs and their snapshots, or the snapshot files of a directory
///
/// Of a directory, files that are no snapshot are listed too, with the reason.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay training list
  backstay training list --run spirals
  backstay training list ./snapshots/")]
pub(crate) struct TrainingListArgs {
    /// A directory with .h5 files
    #[arg(value_name = "DIR", conflicts_with = "run")]
    pub(crate) directory: Option<PathBuf>,

    /// Only the snapshots of this run
    #[arg(long, value_name = "RUN")]
    pub(crate) run: Option<String>,
}

/// A file of a directory.
#[derive(Debug, Serialize)]
pub(super) struct Listed {
    pub(super) filename: String,
    pub(super) size_bytes: u64,
    #[serde(flatten)]
    pub(super) facts: Option<Facts>,
    pub(super) problem: Option<String>,
}

/// Lists.
pub(crate) async fn run(cx: &Context, args: TrainingListArgs) -> CommandResult {
    match &args.directory {
        Some(directory) => list_files(cx, &path_of(cx, directory)?),
        None => list_runs(cx, args.run.as_deref()).await,
    }
}

/// The snapshot files of a directory, by name.
pub(super) fn files_of(directory: &Path) -> Result<Vec<PathBuf>, Failure> {
    let failed = |error| Failure::io(format!("cannot read {}", directory.display()), &error);
    let entries = fs::read_dir(directory).map_err(failed)?;
    let mut paths =
        entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>().map_err(failed)?;
    paths.retain(|path| {
        let end = path.extension().map(|end| end.to_string_lossy().to_ascii_lowercase());
        end.is_some_and(|end| end == "h5" || end == "hdf5") && path.is_file()
    });
    paths.sort();
    Ok(paths)
}

fn list_files(cx: &Context, directory: &Path) -> CommandResult {
    let mut found = Vec::new();
    for path in files_of(directory)? {
        let (facts, problem) = match files::read(&path) {
            Ok(snapshot) => (Some(Facts::of(&snapshot)), None),
            Err(failure) => (None, Some(failure.to_string())),
        };
        found.push(Listed {
            filename: path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
            size_bytes: fs::metadata(&path).map_or(0, |metadata| metadata.len()),
            facts,
            problem,
        });
    }
    let broken = found.iter().filter(|one| one.problem.is_some()).count();
    cx.output.result(&json!({"files": found}), |out, style| {
        let mut table = Table::new(&[
            ("Filename", Align::Left),
            ("Size (MB)", Align::Right),
            ("Architecture", Align::Left),
            ("Hidden", Align::Right),
            ("Format", Align::Left),
            ("Created", Align::Left),
        ]);
        for one in &found {
            let (architecture, hidden, format, created) = match (&one.facts, &one.problem) {
                (Some(facts), _) => (
                    facts.architecture(),
                    facts.hidden_units.to_string(),
                    human::one_line(&facts.format),
                    facts.created.clone().unwrap_or_default(),
                ),
                (None, problem) => (
                    human::one_line(problem.as_deref().unwrap_or_default()),
                    String::new(),
                    String::new(),
                    String::new(),
                ),
            };
            table.row(vec![
                human::one_line(&one.filename),
                format!("{:.2}", one.size_bytes as f64 / 1e6),
                architecture,
                hidden,
                format,
                created,
            ]);
        }
        table.write(out, style)
    })?;
    Ok(if broken > 0 { Exit::Partial } else { Exit::Done })
}

async fn list_runs(cx: &Context, run: Option<&str>) -> CommandResult {
    let (runs, snapshots) = match Runs::open(cx).await {
        Ok(open) => found(&open, run).await?,
        Err(failure) if failure.is_not_found() && run.is_none() => (Vec::new(), Vec::new()),
        Err(failure) => return Err(failure),
    };
    cx.output.result(&json!({"runs": runs, "snapshots": snapshots}), |out, style| {
        if runs.is_empty() {
            return writeln!(out, "no runs yet");
        }
        let mut table = Table::new(&[
            ("RUN", Align::Left),
            ("LABEL", Align::Left),
            ("ID", Align::Left),
            ("EPOCH", Align::Right),
            ("PHASE", Align::Left),
            ("HIDDEN", Align::Right),
            ("LOSS", Align::Right),
            ("TRIGGER", Align::Left),
            ("SAVED", Align::Left),
            ("", Align::Left),
        ]);
        for one in &snapshots {
            let loss = one.metrics.get("loss").map(|loss| format!("{loss:.6}")).unwrap_or_default();
            let mut marks = Vec::new();
            marks.extend(one.pinned.then_some("pinned"));
            marks.extend(one.damaged.then_some("damaged"));
            marks.extend((one.state.as_str() != "ready").then_some(one.state.as_str()));
            marks.extend((one.state.as_str() == "ready" && !one.exact).then_some("not exact"));
            table.row(vec![
                human::one_line(&one.run_name),
                human::one_line(&one.label),
                one.id.to_string(),
                one.epoch.to_string(),
                one.phase.clone(),
                one.hidden_units.to_string(),
                loss,
                one.trigger.clone(),
                human::local_time(one.timestamp),
                marks.join(", "),
            ]);
        }
        table.write(out, style)?;
        for run in runs.iter().filter(|run| run.snapshots == 0) {
            writeln!(out, "{} has no snapshot yet", human::one_line(&run.name))?;
        }
        Ok(())
    })?;
    Ok(Exit::Done)
}

/// All runs, or one, and their snapshots, newest first.
async fn found(open: &Runs, run: Option<&str>) -> Result<(Vec<TrainingRun>, Vec<TrainingSnapshot>), Failure> {
    let Runs { service, caller } = open;
    let one = match run {
        Some(name) => Some(service.resolve_training_run(caller, name).await?),
        None => None,
    };
    let (mut snapshots, mut page) = (Vec::new(), PageRequest::first(1000));
    loop {
        let part = service.list_training_snapshots(caller, one.as_ref().map(|run| &run.id), &page).await?;
        snapshots.extend(part.items);
        match part.next {
            Some(next) => page.cursor = Some(next),
            None => break,
        }
    }
    if let Some(run) = one {
        return Ok((vec![run], snapshots));
    }
    let (mut runs, mut page) = (Vec::new(), PageRequest::first(1000));
    loop {
        let part = service.list_training_runs(caller, &page).await?;
        runs.extend(part.items);
        match part.next {
            Some(next) => page.cursor = Some(next),
            None => return Ok((runs, snapshots)),
        }
    }
}
