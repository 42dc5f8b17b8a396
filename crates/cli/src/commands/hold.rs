//! `backstay hold` and `backstay holds`

use backstay_model::Timestamp;
use backstay_service::view::NewHold;
use clap::Args;
use serde_json::json;

use crate::args::Changing;
use crate::backend::{Backend, on};
use crate::context::Context;
use crate::failure::{CommandResult, Exit, Failure};
use crate::human;
use crate::render::table::{Align, Table};

/// Forbid the deletion of a snapshot, with a reason and, if wanted, an end
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay hold latest --reason 'audit 2026' --until 2026-12-31T00:00:00Z
  backstay hold --release hold-1767435330123456-k3v9q2xa")]
pub(crate) struct HoldArgs {
    /// The snapshot to hold
    #[arg(value_name = "ID", required_unless_present = "release", conflicts_with = "release")]
    pub(crate) id: Option<String>,

    /// Why it is held
    #[arg(long, value_name = "TEXT", required_unless_present = "release")]
    pub(crate) reason: Option<String>,

    /// When the hold ends (RFC 3339)
    #[arg(long, value_name = "TIME", conflicts_with = "release")]
    pub(crate) until: Option<String>,

    /// Release this hold instead of placing one
    #[arg(long, value_name = "HOLD")]
    pub(crate) release: Option<String>,

    #[command(flatten)]
    pub(crate) changing: Changing,
}

/// List the holds
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay holds
  backstay holds latest")]
pub(crate) struct HoldsArgs {
    /// Only the holds of this snapshot
    #[arg(value_name = "ID")]
    pub(crate) id: Option<String>,
}

/// Places or releases a hold.
pub(crate) async fn run(cx: &Context, args: HoldArgs) -> CommandResult {
    let backend = Backend::open(cx).await?;
    if let Some(hold) = args.release {
        if !args.changing.dry_run {
            on!(backend, release_hold(&hold))?;
        }
        cx.output.result(&json!({"released": hold, "dry_run": args.changing.dry_run}), |out, _| {
            writeln!(out, "released {hold}")
        })?;
        return Ok(Exit::Done);
    }
    let expires_at = args.until.as_deref().map(parse_time).transpose()?;
    let id = on!(backend, resolve(args.id.as_deref().unwrap_or_default()))?;
    let reason = args.reason.unwrap_or_default();
    if args.changing.dry_run {
        cx.output.result(&json!({"snapshot_id": id, "reason": reason, "dry_run": true}), |out, _| {
            writeln!(out, "would hold {id}")
        })?;
        return Ok(Exit::Done);
    }
    let hold = on!(backend, hold(&id, NewHold { reason, expires_at }))?;
    cx.output.result(&hold, |out, _| writeln!(out, "{}", hold.id))?;
    Ok(Exit::Done)
}

/// Lists the holds.
pub(crate) async fn list(cx: &Context, args: HoldsArgs) -> CommandResult {
    let backend = Backend::open(cx).await?;
    let id = match &args.id {
        Some(text) => Some(on!(backend, resolve(text))?),
        None => None,
    };
    let holds = on!(backend, holds(id.as_deref()))?;
    cx.output.result(&json!({"holds": holds, "total": holds.len()}), |out, style| {
        let mut table = Table::new(&[
            ("HOLD", Align::Left),
            ("SNAPSHOT", Align::Left),
            ("UNTIL", Align::Left),
            ("REASON", Align::Left),
        ]);
        for hold in &holds {
            table.row(vec![
                hold.id.clone(),
                hold.snapshot_id.clone(),
                hold.expires_at.map_or_else(|| "released".to_owned(), human::local_time),
                if hold.pin { "pin".to_owned() } else { human::one_line(&hold.reason) },
            ]);
        }
        table.write(out, style)
    })?;
    Ok(Exit::Done)
}

/// A time of the command line.
pub(crate) fn parse_time(text: &str) -> Result<Timestamp, Failure> {
    Timestamp::parse(text).ok_or_else(|| {
        Failure::usage(format!("`{text}` is not a time"))
            .hint("write it as 2026-01-31T18:00:00Z or with +01:00")
    })
}
