//! `backstay repository repair`

use clap::Args;

use crate::args::Changing;

/// Rebuild the index from the packs, and heal damaged content from another repository
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay repository repair --dry-run
  backstay repository repair --from /mirror/app --from-password-file pw")]
pub(crate) struct RepairArgs {
    /// A repository that holds copies of the same snapshots
    #[arg(long, value_name = "LOCATION")]
    pub(crate) from: Option<String>,

    /// The password of --from
    #[arg(long, value_name = "FILE", requires = "from")]
    pub(crate) from_password_file: Option<std::path::PathBuf>,

    /// The key file of --from
    #[arg(long, value_name = "FILE", requires = "from", conflicts_with = "from_password_file")]
    pub(crate) from_key_file: Option<std::path::PathBuf>,

    #[command(flatten)]
    pub(crate) changing: Changing,
}

/// TEMPORARY
pub(crate) async fn run(_cx: &crate::context::Context, _args: RepairArgs) -> crate::failure::CommandResult {
    Err(crate::failure::Failure::new(backstay_model::ErrorKind::Unavailable, "not available yet"))
}
