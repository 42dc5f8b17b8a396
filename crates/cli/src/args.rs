//! The command line: global options and the list of commands.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::commands;
use crate::output::Format;
use crate::style::ColorChoice;

/// Saves a directory, shows what changed, puts it back, and proves that every byte is there.
#[derive(Debug, Parser)]
#[command(
    name = "backstay",
    version,
    propagate_version = true,
    max_term_width = 100,
    subcommand_required = true
)]
#[command(arg_required_else_help = true)]
#[command(after_long_help = "\
First steps:
  backstay save                 save the current directory
  backstay diff latest          see what changed since
  backstay restore latest       put it back
  backstay undo                 undo that

Exit codes:
  0 ok, 1 failed, 2 usage, 3 partial, 4 busy, 130 interrupted")]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) globals: Globals,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options that every command takes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Globals {
    /// Work on the workspace DIR (default: the nearest directory above with `.backstay`, else the git work tree, else here)
    #[arg(short = 'C', value_name = "DIR", global = true)]
    pub(crate) directory: Option<PathBuf>,

    /// Form of the output
    #[arg(long, value_enum, global = true, value_name = "FORMAT")]
    pub(crate) format: Option<Format>,

    /// Same as --format json
    #[arg(long, global = true, conflicts_with = "format")]
    pub(crate) json: bool,

    /// Use the server at URL instead of working directly; its token comes from BACKSTAY_TOKEN or --token-file
    #[arg(long, value_name = "URL", env = "BACKSTAY_SERVER", global = true)]
    pub(crate) server: Option<String>,

    /// Read the API token from FILE
    #[arg(long, value_name = "FILE", env = "BACKSTAY_TOKEN_FILE", global = true)]
    pub(crate) token_file: Option<PathBuf>,

    /// The workspace of the server, by id or name (default: the one whose root is here)
    #[arg(long, value_name = "WORKSPACE", env = "BACKSTAY_WORKSPACE", global = true)]
    pub(crate) workspace: Option<String>,

    /// Where the repository is: a directory, or s3://BUCKET/PREFIX
    #[arg(long, value_name = "LOCATION", env = "BACKSTAY_REPOSITORY", global = true)]
    pub(crate) repository: Option<String>,

    /// Read the repository's password from FILE (else BACKSTAY_PASSWORD, else a question on the terminal)
    #[arg(long, value_name = "FILE", env = "BACKSTAY_PASSWORD_FILE", global = true)]
    pub(crate) password_file: Option<PathBuf>,

    /// Unlock the repository with the key in FILE
    #[arg(
        long,
        value_name = "FILE",
        env = "BACKSTAY_KEY_FILE",
        global = true,
        conflicts_with = "password_file"
    )]
    pub(crate) key_file: Option<PathBuf>,

    /// Say nothing but results, warnings and errors
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,

    /// Say more; twice: log what happens inside
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,

    /// Show no progress bar
    #[arg(long, global = true)]
    pub(crate) no_progress: bool,

    /// When to use colours
    #[arg(long, value_enum, global = true, value_name = "WHEN", default_value_t)]
    pub(crate) color: ColorChoice,
}

impl Globals {
    /// The form of the output.
    pub(crate) fn output_format(&self) -> Format {
        if self.json { Format::Json } else { self.format.unwrap_or(Format::Text) }
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Save(commands::save::SaveArgs),
    List(commands::list::ListArgs),
    Show(commands::show::ShowArgs),
    Diff(commands::diff::DiffArgs),
    Restore(commands::restore::RestoreArgs),
    Undo(commands::undo::UndoArgs),
    Upgrade(commands::upgrade::UpgradeArgs),
    #[command(subcommand)]
    Deps(commands::deps::DepsCommand),
    Delete(commands::delete::DeleteArgs),
    Pin(commands::pin::PinArgs),
    Unpin(commands::pin::UnpinArgs),
    Hold(commands::hold::HoldArgs),
    Holds(commands::hold::HoldsArgs),
    Prune(commands::prune::PruneArgs),
    Verify(commands::verify::VerifyArgs),
    Recover(commands::recover::RecoverArgs),
    Trust(commands::trust::TrustArgs),
    Stats(commands::stats::StatsArgs),
    #[command(subcommand)]
    Group(commands::group::GroupCommand),
    #[command(subcommand)]
    Checkpoint(commands::checkpoint::CheckpointCommand),
    #[command(subcommand)]
    Execution(commands::execution::ExecutionCommand),
    #[command(subcommand)]
    Approval(commands::approval::ApprovalCommand),
    #[command(subcommand)]
    Training(commands::training::TrainingCommand),
    #[command(subcommand)]
    Repository(commands::repository::RepositoryCommand),
    #[command(subcommand)]
    Audit(commands::audit::AuditCommand),
    Serve(commands::serve::ServeArgs),
    #[command(subcommand)]
    Config(commands::config::ConfigCommand),
    LoginLink(commands::login_link::LoginLinkArgs),
    #[command(subcommand)]
    Users(commands::users::UsersCommand),
    #[command(subcommand)]
    Tokens(commands::tokens::TokensCommand),
    #[command(subcommand)]
    Workspaces(commands::workspaces::WorkspacesCommand),
    #[command(subcommand)]
    Tasks(commands::tasks::TasksCommand),
    #[command(subcommand)]
    Events(commands::events::EventsCommand),
    Demo(commands::demo::DemoArgs),
    Completions(commands::completions::CompletionsArgs),
    Man(commands::man::ManArgs),
}

/// What every changing command takes.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Changing {
    /// Show what would happen and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,

    /// Wait up to SECONDS for another operation to finish, 0 to 3600
    #[arg(long, value_name = "SECONDS", default_value_t = 0, value_parser = clap::value_parser!(u64).range(0..=3600))]
    pub(crate) wait: u64,
}
