//! `backstay deps`

mod add;
mod apply;
mod changes;
mod fetch;
mod remove;
mod resolve;
mod run;
mod show;
mod status;
mod sync;
mod tree;
mod validate;

use std::io::Write;

use backstay_service::{ChangeRequest, DependencyChange};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::args::Changing;
use crate::commands::upgrade;
use crate::context::Context;
use crate::failure::CommandResult;

/// Bring content and code of other git repositories here, pinned, and keep them up to date
///
/// graft.yaml declares dependencies, graft.lock says which commit each is at, and each is a git submodule in .graft/.
#[derive(Debug, Subcommand)]
#[command(arg_required_else_help = true)]
pub(crate) enum DepsCommand {
    Resolve(resolve::ResolveArgs),
    Fetch(fetch::FetchArgs),
    Sync(sync::SyncArgs),
    Apply(apply::ApplyArgs),
    Upgrade(Box<upgrade::UpgradeArgs>),
    Status(status::StatusArgs),
    Changes(changes::ChangesArgs),
    Show(show::ShowArgs),
    Validate(validate::ValidateArgs),
    Add(add::AddArgs),
    Remove(remove::RemoveArgs),
    Run(run::RunArgs),
    Tree(tree::TreeArgs),
}

/// Options of the commands that may fetch.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Fetching {
    /// Fetch nothing; work with what is here
    #[arg(long)]
    pub(crate) offline: bool,
}

/// Options of the commands that change the git index.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Staging {
    /// Leave the git index alone
    #[arg(long)]
    pub(crate) no_stage: bool,
}

/// Runs one of them.
pub(crate) async fn run(cx: &Context, command: DepsCommand) -> CommandResult {
    match command {
        DepsCommand::Resolve(args) => resolve::run(cx, args).await,
        DepsCommand::Fetch(args) => fetch::run(cx, args).await,
        DepsCommand::Sync(args) => sync::run(cx, args).await,
        DepsCommand::Apply(args) => apply::run(cx, args).await,
        DepsCommand::Upgrade(args) => Box::pin(upgrade::run(cx, *args)).await,
        DepsCommand::Status(args) => status::run(cx, args).await,
        DepsCommand::Changes(args) => changes::run(cx, args).await,
        DepsCommand::Show(args) => show::run(cx, args).await,
        DepsCommand::Validate(args) => validate::run(cx, args).await,
        DepsCommand::Add(args) => add::run(cx, args).await,
        DepsCommand::Remove(args) => remove::run(cx, args).await,
        DepsCommand::Run(args) => run::run(cx, args).await,
        DepsCommand::Tree(args) => tree::run(cx, args).await,
    }
}

/// What a command asks the service for.
fn request(changing: &Changing, staging: Staging, fetching: Fetching, force: bool) -> ChangeRequest {
    ChangeRequest { dry_run: changing.dry_run, no_stage: staging.no_stage, offline: fetching.offline, force }
}

/// `own`, what a change is about, with what is told about every change.
fn outcome<R>(mut own: Value, done: &DependencyChange<R>, dry_run: bool) -> Value {
    let fields = [
        ("changed", json!(done.changed)),
        ("dry_run", json!(dry_run)),
        ("dropped", json!(done.dropped)),
        ("not_staged", json!(done.not_staged)),
        ("not_applied", json!(done.not_applied)),
        ("recovered", json!(done.recovered)),
        ("operation_id", json!(done.operation_id)),
        ("state_serial", json!(done.state_serial)),
    ];
    for (name, value) in fields {
        own[name] = value;
    }
    own
}

/// Names what graft.lock has no more.
fn name_dropped(out: &mut dyn Write, dropped: &[String]) -> std::io::Result<()> {
    dropped.iter().try_for_each(|name| writeln!(out, "Dropped from graft.lock: {name}"))
}

/// What is said about every change beside its result.
fn notes<R>(cx: &Context, done: &DependencyChange<R>, dry_run: bool) {
    for id in &done.recovered {
        cx.output.note(&format!("ended the interrupted operation {id} first"));
    }
    if done.not_staged {
        cx.output
            .note("graft.yaml or graft.lock has edits that are not staged: the git index was left alone");
    }
    for path in &done.not_applied {
        cx.output.warn(&format!("{path} was changed by someone else meanwhile and was left so"));
    }
    if dry_run {
        cx.output.note("nothing was changed");
    }
}
