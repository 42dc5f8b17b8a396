//! Checks of the project that are no tests of a crate: `cargo xtask layers`.

mod layers;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Checks of the project.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Check that the crates depend on each other in the allowed directions only.
    Layers,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs one task and returns whether the project passes it.
fn run(arguments: &Arguments) -> Result<bool> {
    match arguments.task {
        Task::Layers => layers::check(),
    }
}
