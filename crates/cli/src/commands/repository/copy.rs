//! `backstay repository copy`

use std::path::PathBuf;

use clap::Args;

use crate::args::Changing;

/// Copy snapshots into a second repository
///
/// What is there already is not copied again. The second repository has its own password and keys.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay repository copy --to s3://bucket/app --to-password-file pw
  backstay repository copy latest --to /mirror/app --to-key-file mirror.key")]
pub(crate) struct CopyArgs {
    /// The snapshots (default: all)
    #[arg(value_name = "ID")]
    pub(crate) ids: Vec<String>,

    /// The second repository
    #[arg(long, value_name = "LOCATION", required = true)]
    pub(crate) to: String,

    /// The password of the second repository
    #[arg(long, value_name = "FILE")]
    pub(crate) to_password_file: Option<PathBuf>,

    /// The key file of the second repository
    #[arg(long, value_name = "FILE", conflicts_with = "to_password_file")]
    pub(crate) to_key_file: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) changing: Changing,
}

/// TEMPORARY
pub(crate) async fn run(_cx: &crate::context::Context, _args: CopyArgs) -> crate::failure::CommandResult {
    Err(crate::failure::Failure::new(backstay_model::ErrorKind::Unavailable, "not available yet"))
}
