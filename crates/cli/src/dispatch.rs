//! From the parsed command line to the command.

use tokio::runtime::{Builder, Runtime};

use crate::args::Command;
use crate::commands;
use crate::context::Context;
use crate::failure::{CommandResult, Failure};
use crate::logging;

/// The runtime of a command: one thread, except for what serves many.
pub(crate) fn runtime(command: &Command) -> Result<Runtime, Failure> {
    let serves = match command {
        Command::Serve(_) => true,
        Command::Demo(args) => args.serve,
        _ => false,
    };
    let mut builder = if serves { Builder::new_multi_thread() } else { Builder::new_current_thread() };
    builder.enable_all().build().map_err(|error| Failure::io("cannot start", &error))
}

/// Runs the command.
pub(crate) async fn dispatch(cx: &Context, command: Command) -> CommandResult {
    logging::start_verbose(cx.globals.verbose)?;
    match command {
        Command::Save(args) => commands::save::run(cx, args).await,
        Command::List(args) => commands::list::run(cx, args).await,
        Command::Show(args) => commands::show::run(cx, args).await,
        Command::Diff(args) => commands::diff::run(cx, args).await,
        Command::Restore(args) => commands::restore::run(cx, args).await,
        Command::Undo(args) => commands::undo::run(cx, args).await,
        Command::Upgrade(args) => Box::pin(commands::upgrade::run(cx, args)).await,
        Command::Deps(command) => Box::pin(commands::deps::run(cx, command)).await,
        Command::Delete(args) => commands::delete::run(cx, args).await,
        Command::Pin(args) => commands::pin::pin(cx, args).await,
        Command::Unpin(args) => commands::pin::unpin(cx, args).await,
        Command::Hold(args) => commands::hold::run(cx, args).await,
        Command::Holds(args) => commands::hold::list(cx, args).await,
        Command::Prune(args) => commands::prune::run(cx, args).await,
        Command::Verify(args) => commands::verify::run(cx, args).await,
        Command::Recover(args) => commands::recover::run(cx, args).await,
        Command::Trust(args) => commands::trust::run(cx, args).await,
        Command::Stats(args) => commands::stats::run(cx, args).await,
        Command::Checkpoint(command) => commands::checkpoint::run(cx, command).await,
        Command::Execution(command) => commands::execution::run(cx, command).await,
        Command::Approval(command) => commands::approval::run(cx, command).await,
        Command::Training(command) => commands::training::run(cx, command).await,
        Command::Group(command) => commands::group::run(cx, command).await,
        Command::Repository(command) => commands::repository::run(cx, command).await,
        Command::Audit(command) => commands::audit::run(cx, command).await,
        Command::Serve(args) => commands::serve::run(cx, args).await,
        Command::Config(command) => commands::config::run(cx, command),
        Command::LoginLink(args) => commands::login_link::run(cx, args).await,
        Command::Users(command) => commands::users::run(cx, command).await,
        Command::Tokens(command) => commands::tokens::run(cx, command).await,
        Command::Workspaces(command) => commands::workspaces::run(cx, command).await,
        Command::Tasks(command) => commands::tasks::run(cx, command).await,
        Command::Events(command) => commands::events::run(cx, command).await,
        Command::Demo(args) => Box::pin(commands::demo::run(cx, args)).await,
        Command::Completions(args) => commands::completions::run(&cx.output, &args),
        Command::Man(args) => commands::man::run(&cx.output, &args),
    }
}
