//! `backstay events`

use backstay_api::event::StreamQuery;
use clap::{Args, Subcommand};
use futures_util::StreamExt;
use serde_json::json;

use super::workspaces::server;
use crate::context::Context;
use crate::failure::{CommandResult, Exit, Failure};
use crate::output::Format;
use crate::{interrupt, render};

/// Watch what happens on a server
///
/// Needs --server.
#[derive(Debug, Subcommand)]
pub(crate) enum EventsCommand {
    Follow(EventsFollowArgs),
}

/// Print events as they happen, until interrupted
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  backstay --server http://127.0.0.1:8470 events follow
  backstay --server http://127.0.0.1:8470 events follow --after 120 --format ndjson")]
pub(crate) struct EventsFollowArgs {
    /// Start after this event number (default: only new ones)
    #[arg(long, value_name = "NUMBER")]
    pub(crate) after: Option<u64>,

    /// Stop after N events
    #[arg(long, value_name = "N")]
    pub(crate) count: Option<u64>,
}

/// Runs the command.
pub(crate) async fn run(cx: &Context, command: EventsCommand) -> CommandResult {
    let EventsCommand::Follow(args) = command;
    let mut stream = server(cx)?.events(StreamQuery { after: args.after, ..StreamQuery::default() });
    let mut seen = Vec::new();
    let mut count = 0;
    while args.count.is_none_or(|wanted| count < wanted) && !cx.output.is_closed() {
        let event = tokio::select! {
            event = stream.next() => event,
            () = interrupt::requested(&cx.cancel) => return Err(Failure::interrupted()),
        };
        let Some(event) = event else { break };
        let event = event?;
        count += 1;
        match cx.output.format() {
            Format::Text => cx.output.write(|out| render::event::line(out, cx.output.style(), &event))?,
            Format::Ndjson => cx.output.event("event", &event),
            Format::Json => seen.push(event),
        }
    }
    if cx.output.format() != Format::Text {
        cx.output.result(&json!({"count": count, "events": seen}), |_, _| Ok(()))?;
    }
    Ok(Exit::Done)
}
