//! `backstay training fork`

use backstay_service::view::NewTrainingRun;
use clap::Args;

use super::{Runs, described};
use crate::context::Context;
use crate::failure::{CommandResult, Exit};
use crate::human;

/// Make a run of its own that goes on from a snapshot
///
/// Nothing is copied. `run NAME --resume` goes on from the snapshot, with --set with other parameters. The snapshot is not removed as long
/// as the fork is there.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay training fork spirals:best warmer
  backstay training fork spirals:best other --seed 7
  backstay training run warmer --resume --set learning_rate=0.05")]
pub(crate) struct TrainingForkArgs {
    /// A run (its present state), RUN:LABEL, or an id
    #[arg(value_name = "SNAPSHOT")]
    pub(crate) snapshot: String,

    /// The name of the new run
    #[arg(value_name = "NAME")]
    pub(crate) name: String,

    /// Go on with other random numbers: those of this seed, from the next candidates on
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(..=i64::MAX as u64))]
    pub(crate) seed: Option<u64>,
}

/// Forks.
pub(crate) async fn run(cx: &Context, args: TrainingForkArgs) -> CommandResult {
    let runs = Runs::open(cx).await?;
    let origin = runs.find(&args.snapshot).await?;
    let params = args.seed.map(|seed| ("seed".to_owned(), seed.into())).into_iter().collect();
    let new = NewTrainingRun { name: args.name, params, ..NewTrainingRun::default() };
    let fork = runs.service.fork_training(&runs.caller, &origin.id, new).await?;
    cx.output.result(&fork, |out, _| {
        writeln!(out, "✓ {} goes on from {}", human::one_line(&fork.name), described(&origin))
    })?;
    cx.output.hint(&format!("`backstay training run '{}' --resume` trains it", fork.name));
    Ok(Exit::Done)
}
