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
mod human;
mod inside;
mod interrupt;
mod logging;
mod output;
mod progress;
mod random;
mod reference;
mod render;
mod restore_test;
mod secrets;
mod settings;
mod style;
mod supervise;
mod terminal;
mod usage;

use std::process::ExitCode;

use clap::Parser;

use crate::args::Cli;
use crate::context::Context;
use crate::failure::{CommandResult, Failure};
use crate::output::Output;

fn main() -> ExitCode {
    // Before anything else: this process may have to be one that has a single thread.
    if let Some(exit) = supervise::entry(std::env::args_os()) {
        return exit;
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage::report(&error),
    };
    let output = Output::new(cli.globals.output_format(), cli.globals.quiet, cli.globals.color);
    let cx = Context::new(cli.globals, output.clone());
    let result = run(&cx, cli.command);
    match result {
        Ok(exit) => exit.code().into(),
        // Whatever failed after the signal failed because of it.
        Err(failure) if cx.cancel.is_cancelled() && !failure.is_interrupted() => {
            let failure = Failure::interrupted().because(failure.to_string());
            output.failure(&failure);
            failure.exit_code().into()
        }
        Err(failure) => {
            output.failure(&failure);
            failure.exit_code().into()
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
