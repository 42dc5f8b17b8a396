//! `backstay group`

use std::path::PathBuf;

use backstay_client::Client;
use clap::{Args, Subcommand};
use serde_json::json;

use crate::args::Changing;
use crate::backend::group::SavedGroup;
use crate::backend::{self, remote};
use crate::context::Context;
use crate::discover;
use crate::failure::{CommandResult, Exit};

/// Save several workspaces as one
#[derive(Debug, Subcommand)]
pub(crate) enum GroupCommand {
    Save(GroupSaveArgs),
}

/// Save several workspaces at one moment: all of them or none
///
/// The members are locked in sorted order and captured under all locks. A snapshot of a group cannot be deleted alone.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay group save nightly ~/app ~/data")]
pub(crate) struct GroupSaveArgs {
    /// The name of the group
    #[arg(value_name = "NAME")]
    pub(crate) name: String,

    /// The members' directories; with --server: names, ids or roots of its workspaces
    #[arg(value_name = "DIR", required = true)]
    pub(crate) directories: Vec<PathBuf>,

    /// A name for the snapshots
    #[arg(long, short, value_name = "TEXT")]
    pub(crate) label: Option<String>,

    #[command(flatten)]
    pub(crate) changing: Changing,
}

/// Runs the command.
pub(crate) async fn run(cx: &Context, command: GroupCommand) -> CommandResult {
    match command {
        GroupCommand::Save(args) => save(cx, args).await,
    }
}

/// Saves every member or none.
pub(crate) async fn save(cx: &Context, args: GroupSaveArgs) -> CommandResult {
    if let Some(url) = &cx.globals.server {
        return save_over(cx, &remote::select::client(cx, url)?, args).await;
    }
    let base = cx.directory()?;
    let mut roots = Vec::new();
    for directory in &args.directories {
        let workspace = discover::workspace(&base.join(directory))?;
        if !roots.contains(&workspace.root) {
            roots.push(workspace.root);
        }
    }
    roots.sort();
    if args.changing.dry_run {
        cx.output.result(&json!({"group": args.name, "roots": roots, "dry_run": true}), |out, _| {
            roots.iter().try_for_each(|root| writeln!(out, "would save {}", root.display()))
        })?;
        return Ok(Exit::Done);
    }
    let saved = backend::group::save(
        cx,
        &args.name,
        &roots,
        args.label.as_deref().unwrap_or_default(),
        args.changing.wait,
    )
    .await?;
    report(cx, &saved)
}

/// The same over a server, whose workspaces are named by name, id or root.
async fn save_over(cx: &Context, client: &Client, args: GroupSaveArgs) -> CommandResult {
    let names: Vec<String> =
        args.directories.iter().map(|directory| directory.to_string_lossy().into_owned()).collect();
    let members = remote::group::members(client, cx, &names).await?;
    if args.changing.dry_run {
        let roots: Vec<&str> = members.iter().map(|member| member.root.as_str()).collect();
        cx.output.result(&json!({"group": args.name, "roots": roots, "dry_run": true}), |out, _| {
            roots.iter().try_for_each(|root| writeln!(out, "would save {root}"))
        })?;
        return Ok(Exit::Done);
    }
    let label = args.label.as_deref().unwrap_or_default();
    let saved = remote::group::save(client, cx, &args.name, &members, label, args.changing.wait).await?;
    report(cx, &saved)
}

fn report(cx: &Context, saved: &SavedGroup) -> CommandResult {
    let partial = saved.snapshots.iter().any(|snapshot| snapshot.warning_count > 0);
    cx.output.result(saved, |out, _| {
        saved.snapshots.iter().try_for_each(|snapshot| writeln!(out, "{}", snapshot.id))
    })?;
    Ok(if partial { Exit::Partial } else { Exit::Done })
}
