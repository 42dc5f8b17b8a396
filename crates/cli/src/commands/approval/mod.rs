//! `backstay approval`

mod decide;
mod list;

use clap::Subcommand;

use crate::context::Context;
use crate::failure::CommandResult;

/// Approvals that steps of executions wait for: list, approve, deny
///
/// Works on the server that --server names, else on its data directory.
#[derive(Debug, Subcommand)]
pub(crate) enum ApprovalCommand {
    List(list::ApprovalListArgs),
    Approve(decide::ApprovalApproveArgs),
    Deny(decide::ApprovalDenyArgs),
}

/// Runs the command.
pub(crate) async fn run(cx: &Context, command: ApprovalCommand) -> CommandResult {
    match command {
        ApprovalCommand::List(args) => list::run(cx, args).await,
        ApprovalCommand::Approve(args) => decide::approve(cx, args).await,
        ApprovalCommand::Deny(args) => decide::deny(cx, args).await,
    }
}
