//! `backstay man`

use std::path::PathBuf;

use clap::{Args, CommandFactory};
use serde_json::json;

use crate::args::Cli;
use crate::failure::{CommandResult, Exit, Failure};
use crate::output::Output;
use crate::reference;

/// Write the manual pages into a directory
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay man ~/.local/share/man/man1")]
pub(crate) struct ManArgs {
    /// Where to; created when missing
    #[arg(value_name = "DIR")]
    pub(crate) directory: PathBuf,

    /// Write the reference in Markdown instead
    #[arg(long, hide = true)]
    pub(crate) markdown: bool,
}

/// Writes the pages.
pub(crate) fn run(output: &Output, args: &ManArgs) -> CommandResult {
    let failed = |error: std::io::Error| {
        Failure::io(format!("cannot write into {}", args.directory.display()), &error)
    };
    std::fs::create_dir_all(&args.directory).map_err(failed)?;
    let mut written = 0;
    if args.markdown {
        for (name, text) in reference::pages() {
            std::fs::write(args.directory.join(name), text).map_err(failed)?;
            written += 1;
        }
    } else {
        clap_mangen::generate_to(Cli::command(), &args.directory).map_err(failed)?;
        written = std::fs::read_dir(&args.directory).map_err(failed)?.count();
    }
    output.result(&json!({"directory": args.directory, "pages": written}), |out, _| {
        writeln!(out, "{written} pages in {}", args.directory.display())
    })?;
    Ok(Exit::Done)
}
