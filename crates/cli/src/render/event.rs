//! Events.

use std::io::{self, Write};

use backstay_api::event::Event;
use backstay_model::Outcome;

use crate::human;
use crate::style::Style;

/// One event in one line.
pub(crate) fn line(out: &mut dyn Write, style: Style, event: &Event) -> io::Result<()> {
    let action = match event.outcome {
        Outcome::Ok => style.strong(&event.action),
        Outcome::Denied | Outcome::Failed => style.error(&format!("{} {}", event.action, event.outcome)),
    };
    writeln!(
        out,
        "{:>8}  {}  {action}  {} {}  by {}",
        event.seq,
        human::local_time(event.timestamp),
        human::one_line(&event.subject.kind),
        human::one_line(&event.subject.id),
        human::one_line(&event.actor.name)
    )
}
