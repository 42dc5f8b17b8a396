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

use backstay_service::view::{DependencyAction, DependencyReport, DependencyState, NewDependencyChange};
use clap::{Args, Subcommand};

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

/// A change as its command was called.
fn asked(
    action: DependencyAction,
    changing: Changing,
    staging: Option<Staging>,
    fetching: Option<Fetching>,
) -> NewDependencyChange {
    NewDependencyChange {
        dry_run: changing.dry_run,
        no_stage: staging.is_some_and(|staging| staging.no_stage),
        offline: fetching.is_some_and(|fetching| fetching.offline),
        ..NewDependencyChange::of(action)
    }
}

/// Names what graft.lock has no more.
fn name_dropped(out: &mut dyn Write, report: &DependencyReport) -> std::io::Result<()> {
    report.dropped.iter().try_for_each(|name| writeln!(out, "Dropped from graft.lock: {name}"))
}

/// What is said about every change beside its result.
fn notes(cx: &Context, report: &DependencyReport) {
    for id in &report.recovered {
        cx.output.note(&format!("ended the interrupted operation {id} first"));
    }
    for warning in &report.warnings {
        cx.output.warn(warning);
    }
    for one in &report.dependencies {
        if let Some(error) = &one.error {
            cx.output.warn(&format!("{}: {error}", one.name));
        }
    }
    if report.not_staged {
        cx.output
            .note("graft.yaml or graft.lock has edits that are not staged: the git index was left alone");
    }
    for path in &report.not_applied {
        cx.output.warn(&format!("{path} was changed by someone else meanwhile and was left so"));
    }
    if report.dry_run {
        cx.output.note("nothing was changed");
    }
}

/// How many could not be done.
fn failed(report: &DependencyReport) -> usize {
    report.dependencies.iter().filter(|one| one.state == DependencyState::Failed).count()
}

/// The word of a state.
const fn word(state: DependencyState) -> &'static str {
    match state {
        DependencyState::Cloned => "cloned",
        DependencyState::CheckedOut => "checked_out",
        DependencyState::UpToDate => "up_to_date",
        DependencyState::Fetched => "fetched",
        DependencyState::WouldFetch => "would be fetched",
        DependencyState::NotCloned => "not cloned",
        DependencyState::Declared => "declared",
        DependencyState::Removed => "removed",
        DependencyState::Fixed => "fixed",
        DependencyState::Failed => "failed",
    }
}
