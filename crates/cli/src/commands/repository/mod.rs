//! `backstay repository`: work on a bare repository, without any catalog.

use clap::Subcommand;

use crate::context::Context;
use crate::failure::{CommandResult, Failure};

pub(crate) mod collect;
pub(crate) mod copy;
pub(crate) mod init;
pub(crate) mod keys;
pub(crate) mod list;
pub(crate) mod rebuild_catalog;
pub(crate) mod repair;
pub(crate) mod restore;
pub(crate) mod stats;
pub(crate) mod verify;

/// Work on a repository itself, without a catalog
///
/// The repository is the workspace's own, or the one that --repository names.
#[derive(Debug, Subcommand)]
pub(crate) enum RepositoryCommand {
    Init(init::InitArgs),
    List(list::ListArgs),
    Restore(restore::RestoreArgs),
    Verify(verify::VerifyArgs),
    Repair(repair::RepairArgs),
    Collect(collect::CollectArgs),
    Copy(copy::CopyArgs),
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    RebuildCatalog(rebuild_catalog::RebuildCatalogArgs),
    Stats(stats::StatsArgs),
}

/// Runs the command.
pub(crate) async fn run(cx: &Context, command: RepositoryCommand) -> CommandResult {
    if cx.globals.server.is_some() {
        return Err(Failure::usage("repository works on the repository itself, not through a server")
            .hint("leave out --server, or unset BACKSTAY_SERVER"));
    }
    match command {
        RepositoryCommand::Init(args) => init::run(cx, args).await,
        RepositoryCommand::List(args) => list::run(cx, args).await,
        RepositoryCommand::Restore(args) => restore::run(cx, args).await,
        RepositoryCommand::Verify(args) => verify::run(cx, args).await,
        RepositoryCommand::Repair(args) => repair::run(cx, args).await,
        RepositoryCommand::Collect(args) => collect::run(cx, args).await,
        RepositoryCommand::Copy(args) => copy::run(cx, args).await,
        RepositoryCommand::Keys(command) => keys::run(cx, command).await,
        RepositoryCommand::RebuildCatalog(args) => rebuild_catalog::run(cx, args).await,
        RepositoryCommand::Stats(args) => stats::run(cx, args).await,
    }
}
