//! `backstay repository rebuild-catalog`

use std::path::PathBuf;

use backstay_service::Run;
use clap::Args;

use crate::args::Changing;
use crate::backend::bare::{self, Bare};
use crate::backend::{admin, opening};
use crate::context::Context;
use crate::failure::{CommandResult, Exit};
use crate::human;
use crate::progress::Shown;
use crate::settings::ServerFlags;

/// Recreate a lost catalog from the repository alone
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay repository rebuild-catalog                               the workspace's own
  backstay repository rebuild-catalog --data-directory /srv/backstay   a server's; stop it first")]
pub(crate) struct RebuildCatalogArgs {
    /// The data directory of the server whose catalog to rebuild
    #[arg(long, value_name = "DIR", env = "BACKSTAY_DATA_DIRECTORY")]
    pub(crate) data_directory: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) changing: Changing,
}

/// Recreates.
pub(crate) async fn run(cx: &Context, args: RebuildCatalogArgs) -> CommandResult {
    if args.changing.dry_run {
        return dry_run(cx).await;
    }
    let service = match &args.data_directory {
        Some(directory) => {
            let flags = ServerFlags { data_directory: Some(directory.clone()), ..ServerFlags::default() };
            admin::service(cx, &admin::settings(cx, &flags)?).await?
        }
        None => opening::service_created(cx, &cx.workspace()?.root).await?,
    };
    let shown = Shown::begin(&cx.globals, &cx.output, "Reading");
    let run = Run { progress: shown.receiver(), cancel: cx.cancel.clone(), ..Run::default() };
    let report = service.rebuild_catalog(&opening::caller(), &run).await?;
    drop(shown);
    cx.output.result(&report, |out, _| {
        writeln!(
            out,
            "{} and {} recreated from {}",
            human::count(report.sources, "source", "sources"),
            human::count(report.snapshots, "snapshot", "snapshots"),
            human::count(report.manifests, "manifest", "manifests")
        )?;
        if report.checkpoints > 0 {
            let checkpoints = human::count(report.checkpoints, "large state", "large states");
            writeln!(out, "{checkpoints} of jobs recreated as checkpoints, with new ids")?;
        }
        if report.lone_values > 0 {
            let values = human::count(report.lone_values, "channel value", "channel values");
            writeln!(out, "{values} of jobs left: their checkpoints were in the catalog alone")?;
        }
        Ok(())
    })?;
    for reason in &report.unreadable {
        cx.output.warn(reason);
    }
    Ok(if report.unreadable.is_empty() { Exit::Done } else { Exit::Partial })
}

/// Counts what there is to read.
async fn dry_run(cx: &Context) -> CommandResult {
    let (bare, inner) = (Bare::here(cx)?, cx.clone());
    let bare::Listing { readable: found, unreadable } =
        cx.blocking("Reading", move |_, _| bare::manifests(&bare.open(&inner)?)).await?;
    let value = serde_json::json!({"dry_run": true, "manifests": found.len(), "unreadable": unreadable});
    cx.output.result(&value, |out, _| {
        writeln!(out, "{} to recreate", human::count(found.len() as u64, "snapshot", "snapshots"))
    })?;
    Ok(Exit::Done)
}
