//! `backstay repository list`

use clap::Args;
use serde_json::json;

use crate::backend::bare::{self, Bare};
use crate::context::Context;
use crate::failure::{CommandResult, Exit};
use crate::human::{self, Size};
use crate::render::table::{Align, Table};

/// List the snapshots in the repository, newest first
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay repository list --repository /backup/app --password-file pw")]
pub(crate) struct ListArgs {
    /// Only snapshots of this source
    #[arg(long, value_name = "SOURCE")]
    pub(crate) source: Option<String>,
}

/// Lists the root manifests.
pub(crate) async fn run(cx: &Context, args: ListArgs) -> CommandResult {
    let bare = Bare::here(cx)?;
    let inner = cx.clone();
    let bare::Listing { readable: mut found, unreadable } =
        cx.blocking("Reading", move |_, _| bare::manifests(&bare.open(&inner)?)).await?;
    if let Some(source) = &args.source {
        found.retain(|(_, manifest)| manifest.source.as_str() == source || manifest.source_name == *source);
    }
    let snapshots: Vec<_> = found
        .iter()
        .map(|(_, manifest)| {
            json!({
                "id": manifest.snapshot,
                "kind": manifest.kind,
                "timestamp": manifest.created_at,
                "label": manifest.label.as_deref().unwrap_or_default(),
                "trigger": manifest.trigger,
                "source_id": manifest.source,
                "source_name": manifest.source_name,
                "tenant_id": manifest.tenant,
                "host": manifest.host,
                "actor": manifest.actor,
                "counts": manifest.counts,
                "size_bytes": manifest.logical_bytes,
                "added_bytes": manifest.stored_bytes,
                "partial": manifest.partial,
            })
        })
        .collect();
    let value = json!({"snapshots": snapshots, "total": snapshots.len(), "unreadable": unreadable});
    cx.output.result(&value, |out, style| {
        let mut table = Table::new(&[
            ("ID", Align::Left),
            ("TIME", Align::Left),
            ("SOURCE", Align::Left),
            ("FILES", Align::Right),
            ("SIZE", Align::Right),
            ("LABEL", Align::Left),
        ]);
        for (_, manifest) in &found {
            table.row(vec![
                manifest.snapshot.to_string(),
                human::local_time(manifest.created_at),
                human::one_line(&manifest.source_name),
                human::grouped(manifest.counts.files),
                Size(manifest.logical_bytes).to_string(),
                human::one_line(manifest.label.as_deref().unwrap_or_default()),
            ]);
        }
        table.write(out, style)
    })?;
    for reason in &unreadable {
        cx.output.warn(reason);
    }
    Ok(if unreadable.is_empty() { Exit::Done } else { Exit::Partial })
}
