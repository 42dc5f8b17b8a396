//! `backstay show`

use std::path::PathBuf;

use backstay_api::entry::EntryKind;
use backstay_model::{SnapshotState, Trigger};
use clap::Args;
use serde_json::json;

use crate::backend::{Backend, on};
use crate::content;
use crate::context::Context;
use crate::failure::{CommandResult, Exit};
use crate::output::Format;
use crate::render;

/// Show a snapshot, its entries, or the bytes of one file in it
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay show latest
  backstay show latest --files
  backstay show latest src                  the entries of a directory
  backstay show latest~1 README.md > old.md
  backstay show snapshot-1767 --quiet && echo exists")]
pub(crate) struct ShowArgs {
    /// The snapshot: an id, a unique prefix of one, `latest` or `latest~N`
    #[arg(value_name = "ID")]
    pub(crate) id: String,

    /// A file, whose bytes are written, or a directory, whose entries are listed
    #[arg(value_name = "PATH")]
    pub(crate) path: Option<PathBuf>,

    /// List every entry
    #[arg(long)]
    pub(crate) files: bool,
}

/// Shows a snapshot, entries or bytes.
pub(crate) async fn run(cx: &Context, args: ShowArgs) -> CommandResult {
    let backend = Backend::open(cx).await?;
    let found = on!(backend, resolve(&args.id));
    let id = match found {
        Ok(id) => id,
        Err(failure) if cx.output.is_quiet() && failure.is_not_found() => return Ok(Exit::Negative),
        Err(failure) => return Err(failure),
    };
    match args.path {
        Some(path) => {
            let path = on!(backend, one_path(&path))?;
            show_path(cx, &backend, &id, &path).await
        }
        None if args.files => entries(cx, &backend, &id, "", true).await,
        None => {
            let snapshot = on!(backend, show(&id))?;
            if cx.output.is_quiet() {
                // An undo point is there for undo alone.
                let exists = snapshot.state == SnapshotState::Ready && snapshot.trigger != Trigger::Safety;
                return Ok(if exists { Exit::Done } else { Exit::Negative });
            }
            cx.output.result(&snapshot, |out, style| render::snapshot::details(out, style, &snapshot))?;
            Ok(Exit::Done)
        }
    }
}

async fn show_path(cx: &Context, backend: &Backend, id: &str, path: &str) -> CommandResult {
    let entry = if path.is_empty() { None } else { Some(on!(backend, entry(id, path))?) };
    match entry {
        None => entries(cx, backend, id, "", false).await,
        Some(entry) if entry.kind == EntryKind::Directory => entries(cx, backend, id, path, false).await,
        Some(_) if cx.output.is_quiet() => Ok(Exit::Done),
        Some(entry) if entry.kind == EntryKind::File => {
            match cx.output.format() {
                Format::Text => content::print(cx, backend, id, path).await?,
                Format::Json | Format::Ndjson => {
                    let mut value = json!({"snapshot_id": id, "entry": entry});
                    content::put_into(
                        &mut value,
                        content::read(cx, backend, id, path, content::MAX_BYTES).await?,
                    );
                    cx.output.result(&value, |_, _| Ok(()))?;
                }
            }
            Ok(Exit::Done)
        }
        Some(entry) => {
            cx.output.result(&json!({"snapshot_id": id, "entry": entry}), |out, style| {
                render::entry::line(out, style, &entry)
            })?;
            Ok(Exit::Done)
        }
    }
}

async fn entries(cx: &Context, backend: &Backend, id: &str, path: &str, recursive: bool) -> CommandResult {
    let mut all = Vec::new();
    let mut cursor = None;
    loop {
        let page = on!(backend, entries(id, path, recursive, cursor.take()))?;
        match cx.output.format() {
            Format::Text => cx.output.write(|out| {
                page.entries.iter().try_for_each(|entry| render::entry::line(out, cx.output.style(), entry))
            })?,
            Format::Ndjson => page.entries.iter().for_each(|entry| cx.output.event("entry", entry)),
            Format::Json => all.extend(page.entries),
        }
        cursor = page.next;
        if cursor.is_none() || cx.output.is_closed() {
            if cx.output.format() != Format::Text {
                cx.output.result(
                    &json!({"snapshot_id": id, "entries": all, "total": page.total}),
                    |_, _| Ok(()),
                )?;
            }
            return Ok(Exit::Done);
        }
    }
}
