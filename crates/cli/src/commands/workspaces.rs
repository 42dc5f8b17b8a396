//! `backstay workspaces`

use std::path::{Path, PathBuf};

use backstay_api::workspace::NewWorkspace;
use backstay_client::Client;
use clap::{Args, Subcommand};
use serde_json::json;

use crate::backend::opening::workspace_name;
use crate::backend::remote::select;
use crate::context::Context;
use crate::failure::{CommandResult, Exit, Failure};
use crate::render::table::facts;
use crate::{human, render};

/// Manage the workspaces that a server looks after
///
/// Needs --server.
#[derive(Debug, Subcommand)]
pub(crate) enum WorkspacesCommand {
    Add(WorkspacesAddArgs),
    List(WorkspacesListArgs),
    Show(WorkspacesShowArgs),
    Remove(WorkspacesRemoveArgs),
}

/// Register a directory on the server's machine
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay --server http://127.0.0.1:8470 workspaces add /srv/projects/app --name app")]
pub(crate) struct WorkspacesAddArgs {
    /// The directory, as the server sees it
    #[arg(value_name = "ROOT")]
    pub(crate) root: PathBuf,

    /// The name (default: the directory's)
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
}

/// List the workspaces
#[derive(Debug, Args)]
pub(crate) struct WorkspacesListArgs {}

/// Show a workspace
#[derive(Debug, Args)]
pub(crate) struct WorkspacesShowArgs {
    /// Its id or name
    #[arg(value_name = "WORKSPACE")]
    pub(crate) workspace: String,
}

/// Remove a workspace from the server; its snapshots stay
#[derive(Debug, Args)]
pub(crate) struct WorkspacesRemoveArgs {
    /// Its id or name
    #[arg(value_name = "WORKSPACE")]
    pub(crate) workspace: String,
}

/// Runs the command.
pub(crate) async fn run(cx: &Context, command: WorkspacesCommand) -> CommandResult {
    let client = server(cx)?;
    match command {
        WorkspacesCommand::Add(args) => {
            let root = absolute(cx, &args.root)?;
            let name = args.name.unwrap_or_else(|| workspace_name(args.root.as_path()));
            let added = client.create_workspace(&NewWorkspace { name, root }).await?;
            cx.output.result(&added, |out, _| writeln!(out, "{}", added.id))?;
        }
        WorkspacesCommand::List(_) => {
            let workspaces = select::workspaces(&client).await?;
            cx.output
                .result(&json!({"workspaces": workspaces, "total": workspaces.len()}), |out, style| {
                    render::access::workspaces(out, style, &workspaces)
                })?;
        }
        WorkspacesCommand::Show(args) => {
            let found = client.get_workspace(&select::named(&client, &args.workspace).await?.id).await?;
            cx.output.result(&found, |out, style| {
                facts(
                    out,
                    style,
                    &[
                        ("workspace", found.id.clone()),
                        ("name", human::one_line(&found.name)),
                        ("root", human::one_line(&found.root)),
                        ("host", human::one_line(&found.host)),
                        ("tenant", found.tenant_id.clone()),
                        ("serial", found.state_serial.to_string()),
                        ("created", human::local_time(found.created_at)),
                        ("snapshots", found.snapshot_count.map(human::grouped).unwrap_or_default()),
                    ],
                )
            })?;
        }
        WorkspacesCommand::Remove(args) => {
            let found = select::named(&client, &args.workspace).await?;
            client.delete_workspace(&found.id).await?;
            cx.output
                .result(&json!({"removed": found.id}), |out, _| writeln!(out, "removed {}", found.id))?;
        }
    }
    Ok(Exit::Done)
}

/// The client of the server that the command needs.
pub(crate) fn server(cx: &Context) -> Result<Client, Failure> {
    let url = cx.globals.server.as_deref().ok_or_else(|| {
        Failure::usage("this command speaks to a server").hint("give --server URL, or set BACKSTAY_SERVER")
    })?;
    select::client(cx, url)
}

/// The root as the server sees it: an absolute path stays, a relative one is of this machine.
fn absolute(cx: &Context, root: &Path) -> Result<String, Failure> {
    let root = if root.is_absolute() { root.to_path_buf() } else { cx.directory()?.join(root) };
    let root = root.canonicalize().unwrap_or(root);
    root.to_str().map(str::to_owned).ok_or_else(|| Failure::usage(format!("{} is not UTF-8", root.display())))
}
