//! `backstay completions`

use clap::{Args, CommandFactory};

use crate::args::Cli;
use crate::failure::{CommandResult, Exit};
use crate::output::Output;

/// Print the completion script of a shell
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay completions bash > ~/.local/share/bash-completion/completions/backstay
  backstay completions fish > ~/.config/fish/completions/backstay.fish")]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

/// Prints the script.
pub(crate) fn run(output: &Output, args: &CompletionsArgs) -> CommandResult {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "backstay", &mut script);
    output.write(|out| out.write_all(&script))?;
    Ok(Exit::Done)
}
