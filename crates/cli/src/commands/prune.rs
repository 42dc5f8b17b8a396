//! `backstay prune`

use backstay_model::ErrorKind;
use backstay_model::retention::{Rules, Within};
use clap::Args;

use crate::args::Changing;
use crate::backend::{Backend, is_unfinished, on};
use crate::context::Context;
use crate::failure::{CommandResult, Exit, Failure};
use crate::{human, waiting};

/// Delete old snapshots by rule, with a reason for every decision
///
/// A snapshot stays when any rule keeps it. Pinned and held ones, the last good one and what an unfinished operation needs
/// always stay; --wait waits for the end of that operation first.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay prune --dry-run
  backstay prune --keep 10 --keep-daily 7 --keep-weekly 4
  backstay prune --keep 0 --keep-within 30d")]
pub(crate) struct PruneArgs {
    /// Keep the newest N
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub(crate) keep: u32,

    /// Keep the last one of each of N hours
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) keep_hourly: u32,

    /// Keep the last one of each of N days
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) keep_daily: u32,

    /// Keep the last one of each of N weeks
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) keep_weekly: u32,

    /// Keep the last one of each of N months
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) keep_monthly: u32,

    /// Keep the last one of each of N years
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) keep_yearly: u32,

    /// Keep what is younger than AGE, for example 36h, 30d, 8w, 1y6m
    #[arg(long, value_name = "AGE")]
    pub(crate) keep_within: Option<Within>,

    #[command(flatten)]
    pub(crate) changing: Changing,
}

/// Seconds of an age such as `90s`, `15m`, `36h`, `30d`, `8w`.
pub(crate) fn parse_age_seconds(text: &str) -> Result<i64, String> {
    let wanted = || "an age is a number and s, m, h, d or w, for example 30d".to_owned();
    let unit = text.chars().last().ok_or_else(wanted)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        'w' => 604_800,
        _ => return Err(wanted()),
    };
    let number: u32 = text[..text.len() - 1].parse().map_err(|_| wanted())?;
    Ok(i64::from(number) * seconds)
}

/// Decides and, unless it is a dry run, deletes.
pub(crate) async fn run(cx: &Context, args: PruneArgs) -> CommandResult {
    let rules = Rules {
        keep_last: args.keep,
        keep_hourly: args.keep_hourly,
        keep_daily: args.keep_daily,
        keep_weekly: args.keep_weekly,
        keep_monthly: args.keep_monthly,
        keep_yearly: args.keep_yearly,
        keep_within: args.keep_within,
        ..Rules::default()
    };
    let backend = Backend::open(cx).await?;
    // What an unfinished operation needs is kept, so waiting for its end lets more go.
    let unfinished = waiting::while_busy(cx, args.changing.wait, async || {
        let page = on!(backend, operations())?;
        match page.operations.iter().find(|operation| is_unfinished(operation)) {
            Some(operation) => {
                Err(Failure::new(ErrorKind::Busy, format!("{} is not finished", operation.id)))
            }
            None => Ok(()),
        }
    });
    match unfinished.await {
        Err(failure) if !failure.is_busy() => return Err(failure),
        _ => {}
    }
    let result = on!(backend, prune(rules, args.changing.dry_run))?;
    cx.output.result(&result, |out, style| {
        for decision in &result.decisions {
            let word = if decision.keep { style.good("keep  ") } else { style.warning("delete") };
            let reasons: Vec<_> =
                decision.reasons.iter().map(|reason| human::one_line(&reason.text)).collect();
            writeln!(out, "{word}  {}  {}", decision.snapshot_id, reasons.join(", "))?;
        }
        let deleted = if result.dry_run { "would be deleted" } else { "deleted" };
        writeln!(out, "{} kept, {} {deleted}", result.kept, result.removed)
    })?;
    if result.removed > 0 && !result.dry_run {
        cx.output.hint("`backstay repository collect` frees the space");
    }
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_have_a_unit() {
        assert_eq!(parse_age_seconds("30d"), Ok(2_592_000));
        assert_eq!(parse_age_seconds("36h"), Ok(129_600));
        for text in ["", "30", "d", "-3d", "3é", "1.5d"] {
            assert!(parse_age_seconds(text).is_err(), "{text:?}");
        }
    }
}
