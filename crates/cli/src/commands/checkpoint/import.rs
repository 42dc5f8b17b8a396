//! `backstay checkpoint import`

use std::path::{Path, PathBuf};

use backstay_api::checkpoint::{NewCheckpoint, NewCheckpoints};
use clap::Args;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::{RawValue, to_raw_value};

use super::{JobArgs, checkpoints, read_text};
use crate::context::Context;
use crate::failure::{CommandResult, Exit, Failure};

/// How many are saved with one request.
const TOGETHER: usize = 200;

/// Save checkpoints from an export, or from a folder of JSON files
///
/// A folder holds one file `ID.json` per checkpoint; they are saved in the order of their `sequence`, else of their
/// `timestamp`, else of their names.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay checkpoint import --job nightly nightly.jsonl
  backstay checkpoint import --job nightly ./checkpoints/nightly/")]
pub(crate) struct CheckpointImportArgs {
    /// The file or folder
    #[arg(value_name = "PATH")]
    pub(crate) path: PathBuf,

    #[command(flatten)]
    pub(crate) job: JobArgs,
}

/// One checkpoint of an export or a folder; what else stands there is passed over.
#[derive(Deserialize)]
struct Stored {
    #[serde(default)]
    step_name: Option<String>,
    #[serde(default, alias = "state")]
    state_snapshot: Option<Box<RawValue>>,
    #[serde(default)]
    metadata: Option<Box<RawValue>>,
    #[serde(default)]
    workflow_name: Option<String>,
    #[serde(default)]
    workflow_version: Option<String>,
    #[serde(default)]
    sequence: Option<u64>,
    #[serde(default)]
    timestamp: Option<String>,
}

/// Imports them. Checkpoints without a state are passed over and counted.
pub(crate) async fn run(cx: &Context, args: CheckpointImportArgs) -> CommandResult {
    let api = checkpoints(cx, &args.job.project)?;
    let (mut new, mut passed_over) = (Vec::new(), 0_u64);
    for stored in read(&args.path)? {
        let Some(state) = stored.state_snapshot.filter(|state| state.get() != "null") else {
            passed_over += 1;
            continue;
        };
        let item = NewCheckpoint {
            job_id: args.job.job.clone(),
            step_name: stored.step_name.unwrap_or_else(|| "imported".to_owned()),
            state,
            metadata: stored.metadata,
            workflow_name: stored.workflow_name,
            workflow_version: stored.workflow_version,
            parent_id: None,
            execution_id: None,
            ttl_s: None,
            pinned: false,
            epoch: None,
        };
        new.push(
            to_raw_value(&item).map_err(|error| Failure::usage(format!("a state is not JSON: {error}")))?,
        );
    }
    let mut imported = 0_u64;
    while !new.is_empty() {
        let rest = new.split_off(new.len().min(TOGETHER));
        let batch = NewCheckpoints { checkpoints: std::mem::replace(&mut new, rest), atomic: true };
        imported += api.create_all(&batch).await?.items.len() as u64;
    }
    let report = json!({"job_id": args.job.job, "imported": imported, "passed_over": passed_over});
    cx.output.result(&report, |out, _| {
        writeln!(out, "imported {imported}, passed over {passed_over} without a state")
    })?;
    Ok(if passed_over > 0 { Exit::Partial } else { Exit::Done })
}

/// What lies at `path`, in the order in which it was saved.
fn read(path: &Path) -> Result<Vec<Stored>, Failure> {
    let parse = |name: &Path, text: &str| {
        serde_json::from_str::<Stored>(text)
            .map_err(|error| Failure::usage(format!("{} holds no checkpoint: {error}", name.display())))
    };
    if !path.is_dir() {
        let text = read_text(path)?;
        return text.lines().filter(|line| !line.trim().is_empty()).map(|line| parse(path, line)).collect();
    }
    let failed = |error| Failure::io(format!("cannot read {}", path.display()), &error);
    let entries = std::fs::read_dir(path).map_err(failed)?;
    let mut names =
        entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>().map_err(failed)?;
    names.retain(|name| name.extension().is_some_and(|extension| extension == "json"));
    names.sort();
    let mut found = names.iter().map(|name| parse(name, &read_text(name)?)).collect::<Result<Vec<_>, _>>()?;
    found.sort_by(|a, b| (a.sequence, &a.timestamp).cmp(&(b.sequence, &b.timestamp)));
    Ok(found)
}
