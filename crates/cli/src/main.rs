//! The backstay command: saves a directory, shows what changed, puts it back, and proves that every byte is there.

mod args;
mod backend;
mod clock;
mod commands;
mod content;
mod content_diff;
mod context;
mod demo;
mod discover;
mod dispatch;
mod failure;
mod graft;
mod human;
mod inside;
mod interrupt;
mod logging;
mod output;
mod progress;
mod random;
mod reference;
mod render;
mod secrets;
mod settings;
mod style;
mod supervise;
mod terminal;
mod usage;
mod waiting;

use std::process::ExitCode;

use clap::Parser;

use crate::args::Cli;
use crate::context::{Context, Invocation};
use crate::failure::{CommandResult, Exit, Failure};
use crate::graft::Words;
use crate::output::Output;

/// Also takes the place of the C library's, for SQLite and zstd. That one keeps what a thread has freed in a pool of the thread
/// that took it, so that a long stream of events, read by one thread and sent by another, makes the process grow.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    // Before anything else: this process may have to be one that has a single thread.
    if let Some(exit) = supervise::entry(std::env::args_os()) {
        return exit;
    }
    let (words, as_graft) = match graft::words(std::env::args_os()) {
        Words::Own(words) => (words, false),
        Words::Graft(words) => (words, true),
        Words::NotProvided(command) => return usage::not_provided(&command),
    };
    let cli = match Cli::try_parse_from(words) {
        Ok(cli) => cli,
        Err(error) => return usage::report(&error, as_graft),
    };
    let mut output = Output::new(cli.globals.output_format(), cli.globals.quiet, cli.globals.color);
    if as_graft {
        output = output.as_graft();
    }
    let about_dependencies = matches!(cli.command, args::Command::Deps(_) | args::Command::Upgrade(_));
    let cx = Context::new(cli.globals, output.clone(), Invocation { as_graft, about_dependencies });
    let result = run(&cx, cli.command);
    let notices = cx.notices.take();
    for notice in &notices {
        output.warn(&notice.message);
        if let Some(hint) = &notice.hint {
            output.hint(hint);
        }
    }
    match result {
        Ok(Exit::Done) if !notices.is_empty() => Exit::Partial.code().into(),
        Ok(exit) => exit.code().into(),
        // Whatever failed after the signal failed because of it.
        Err(failure) if cx.cancel.is_cancelled() && !failure.is_interrupted() => {
            let failure = Failure::interrupted().because(failure.to_string());
            output.failure(&failure);
            failure.exit_code().into()
        }
        Err(failure) => {
            output.failure(&failure);
            // Under that name, a value that cannot be used is a failure; only an unknown option is wrong usage.
            let code = if as_graft && failure.exit_code() == 2 { 1 } else { failure.exit_code() };
            code.into()
        }
    }
}

fn run(cx: &Context, command: args::Command) -> CommandResult {
    let runtime = dispatch::runtime(&command)?;
    let result = runtime.block_on(async {
        interrupt::watch(cx.cancel.clone());
        Box::pin(dispatch::dispatch(cx, command)).await
    });
    // A thread that still reads something nobody waits for does not hold the process.
    runtime.shutdown_background();
    result
}
