//! `backstay repository collect`

use clap::Args;

use crate::args::Changing;
use crate::commands::prune::parse_age_seconds;

/// Free the space of deleted snapshots
///
/// Works in two phases: what nothing needs is marked, and removed by a later run after the grace period, so that a save
/// that runs meanwhile loses nothing.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay repository collect
  backstay repository collect --grace 0s     when surely nothing else is writing")]
pub(crate) struct CollectArgs {
    /// How long unneeded content stays
    #[arg(long, value_name = "AGE", default_value = "24h", value_parser = parse_age_seconds)]
    pub(crate) grace: i64,

    #[command(flatten)]
    pub(crate) changing: Changing,
}

/// TEMPORARY
pub(crate) async fn run(_cx: &crate::context::Context, _args: CollectArgs) -> crate::failure::CommandResult {
    Err(crate::failure::Failure::new(backstay_model::ErrorKind::Unavailable, "not available yet"))
}
