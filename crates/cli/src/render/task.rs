//! Tasks of a server.

use std::io::{self, Write};

use backstay_api::task::Task;

use super::operation::word;
use super::table::{Align, Table, facts};
use crate::human::{self, Size};
use crate::style::Style;

/// A table of tasks.
pub(crate) fn list(out: &mut dyn Write, style: Style, tasks: &[Task]) -> io::Result<()> {
    let columns = [
        ("TASK", Align::Left),
        ("TIME", Align::Left),
        ("KIND", Align::Left),
        ("STATE", Align::Left),
        ("SUBJECT", Align::Left),
    ];
    let mut table = Table::new(&columns);
    for task in tasks {
        table.row(vec![
            task.id.clone(),
            human::local_time(task.created_at),
            task.kind.clone(),
            word(&task.state),
            human::one_line(task.subject.as_deref().unwrap_or_default()),
        ]);
    }
    table.write(out, style)
}

/// Everything about one task.
pub(crate) fn details(out: &mut dyn Write, style: Style, task: &Task) -> io::Result<()> {
    let time =
        |instant: Option<backstay_model::Timestamp>| instant.map(human::local_time).unwrap_or_default();
    let done = task.progress.as_ref().map(|progress| {
        format!("{} items, {}", human::grouped(progress.items_done), Size(progress.bytes_done))
    });
    facts(
        out,
        style,
        &[
            ("task", task.id.clone()),
            ("kind", task.kind.clone()),
            ("state", word(&task.state)),
            ("subject", human::one_line(task.subject.as_deref().unwrap_or_default())),
            ("created", human::local_time(task.created_at)),
            ("started", time(task.started_at)),
            ("finished", time(task.finished_at)),
            ("done", done.unwrap_or_default()),
            ("error", human::one_line(task.error.as_deref().unwrap_or_default())),
        ],
    )
}
