//! `backstay diff`

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::backend::{Backend, on};
use crate::context::Context;
use crate::failure::{CommandResult, Exit, Failure};
use crate::{content_diff, render};

/// Show what changed between a snapshot and another one, or the files as they are now
///
/// One line per path: A added, D deleted, M modified, T type changed, P mode, time or attributes changed, R renamed.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay diff latest                       against the files as they are now
  backstay diff latest~1 latest src          two snapshots, one directory
  backstay diff latest --content             with the changed lines
  backstay diff latest --exit-code --quiet   1 when something changed")]
pub(crate) struct DiffArgs {
    /// The older side
    #[arg(value_name = "A")]
    pub(crate) a: String,

    /// The newer side (default: the files as they are now), then the paths to compare
    #[arg(value_name = "B|PATH")]
    pub(crate) rest: Vec<PathBuf>,

    /// Show the changed lines of text files
    #[arg(long)]
    pub(crate) content: bool,

    /// Exit with 1 when something changed
    #[arg(long)]
    pub(crate) exit_code: bool,
}

/// Compares.
pub(crate) async fn run(cx: &Context, args: DiffArgs) -> CommandResult {
    let backend = Backend::open(cx).await?;
    let a = on!(backend, resolve(&args.a))?;
    let (b, paths) = newer_side(&backend, &args.rest).await?;
    let paths = on!(backend, scope(paths))?;
    let page = on!(backend, diff(cx, &a, b.as_deref(), &paths))?;
    let changed = page.total > 0;
    let mut value =
        json!({"a": a, "b": b.as_deref().unwrap_or("live"), "changes": page.changes, "total": page.total});
    let mut texts = Vec::new();
    if args.content {
        for change in &page.changes {
            let text = content_diff::of(cx, &backend, change, &a, b.as_deref()).await?;
            texts.push(text);
        }
        for (change, text) in value["changes"].as_array_mut().into_iter().flatten().zip(&texts) {
            change["content"] = json!(text);
        }
    }
    if !(cx.output.is_quiet() && args.exit_code) {
        cx.output.result(&value, |out, style| {
            for (number, change) in page.changes.iter().enumerate() {
                render::change::line(out, style, change)?;
                if let Some(Some(text)) = texts.get(number) {
                    out.write_all(text.as_bytes())?;
                }
            }
            Ok(())
        })?;
    }
    Ok(if changed && args.exit_code { Exit::Negative } else { Exit::Done })
}

/// The first of `rest` is the newer snapshot when it names one and no path of the workspace has that name.
async fn newer_side<'a>(
    backend: &Backend,
    rest: &'a [PathBuf],
) -> Result<(Option<String>, &'a [PathBuf]), Failure> {
    let Some((first, others)) = rest.split_first() else { return Ok((None, rest)) };
    let looks_like_id =
        |text: &str| text == "latest" || text.starts_with("latest~") || text.starts_with("snapshot-");
    let Some(text) = first.to_str() else { return Ok((None, rest)) };
    if looks_like_id(text) {
        return Ok((Some(on!(backend, resolve(text))?), others));
    }
    // Snapshots of other kinds have ids of their own form; a name that is a path too means the path.
    if text.contains('/') || first.symlink_metadata().is_ok() {
        return Ok((None, rest));
    }
    let found = on!(backend, resolve(text));
    match found {
        Ok(id) => Ok((Some(id), others)),
        Err(failure) if failure.is_not_found() || failure.exit_code() == 2 => Ok((None, rest)),
        Err(failure) => Err(failure),
    }
}
