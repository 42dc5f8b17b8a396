//! `backstay repository stats`

use clap::Args;

/// Show sizes: logical, deduplicated, stored
#[derive(Debug, Args)]
pub(crate) struct StatsArgs {}

/// TEMPORARY
pub(crate) async fn run(_cx: &crate::context::Context, _args: StatsArgs) -> crate::failure::CommandResult {
    Err(crate::failure::Failure::new(backstay_model::ErrorKind::Unavailable, "not available yet"))
}
