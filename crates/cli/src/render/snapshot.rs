//! Snapshots.

use std::io::{self, Write};

use backstay_api::snapshot::{Snapshot, Warning};
use backstay_model::{SnapshotState, Trigger};

use super::table::{Align, Table, facts};
use crate::human::{self, Size};
use crate::style::Style;

/// A table of snapshots.
pub(crate) fn list(out: &mut dyn Write, style: Style, snapshots: &[Snapshot]) -> io::Result<()> {
    let mut table = Table::new(&[
        ("ID", Align::Left),
        ("TIME", Align::Left),
        ("FILES", Align::Right),
        ("SIZE", Align::Right),
        ("NEW", Align::Right),
        ("", Align::Left),
        ("LABEL", Align::Left),
    ]);
    for snapshot in snapshots {
        table.row(vec![
            snapshot.id.clone(),
            human::local_time(snapshot.timestamp),
            human::grouped(snapshot.counts.files),
            Size(snapshot.size_bytes).to_string(),
            Size(snapshot.added_bytes).to_string(),
            marks(snapshot),
            human::one_line(&snapshot.label),
        ]);
    }
    table.write(out, style)
}

fn marks(snapshot: &Snapshot) -> String {
    let mut marks = Vec::new();
    if snapshot.state != SnapshotState::Ready {
        marks.push(snapshot.state.as_str());
    }
    if snapshot.trigger != Trigger::Manual {
        marks.push(snapshot.trigger.as_str());
    }
    if snapshot.pinned {
        marks.push("pinned");
    } else if snapshot.holds > 0 {
        marks.push("held");
    }
    if snapshot.warning_count > 0 {
        marks.push("partial");
    }
    marks.join(" ")
}

/// Everything about one snapshot.
pub(crate) fn details(out: &mut dyn Write, style: Style, snapshot: &Snapshot) -> io::Result<()> {
    let counts = &snapshot.counts;
    let some = |number: u64| if number == 0 { String::new() } else { human::grouped(number) };
    facts(
        out,
        style,
        &[
            ("id", snapshot.id.clone()),
            ("label", human::one_line(&snapshot.label)),
            ("description", human::one_line(&snapshot.description)),
            ("state", snapshot.state.to_string()),
            ("reason", snapshot.state_reason.as_deref().map(human::one_line).unwrap_or_default()),
            ("time", human::local_time(snapshot.timestamp)),
            ("taken because", snapshot.trigger.to_string()),
            ("workspace", human::one_line(&snapshot.source_name)),
            (
                "by",
                snapshot.created_by.as_ref().map(|actor| human::one_line(&actor.name)).unwrap_or_default(),
            ),
            ("size", Size(snapshot.size_bytes).to_string()),
            ("new", Size(snapshot.added_bytes).to_string()),
            ("files", human::grouped(counts.files)),
            ("directories", human::grouped(counts.directories)),
            ("symlinks", some(counts.symlinks)),
            ("hard links", some(counts.hard_links)),
            ("skipped", some(counts.skipped)),
            ("scope", snapshot.scope.iter().map(|path| human::one_line(path)).collect::<Vec<_>>().join(" ")),
            ("pinned", if snapshot.pinned { "yes".to_owned() } else { String::new() }),
            ("holds", some(snapshot.holds)),
            ("operation", snapshot.operation_id.clone().unwrap_or_default()),
            ("group", snapshot.group_id.clone().unwrap_or_default()),
        ],
    )?;
    for warning in snapshot.warnings.iter().flatten() {
        writeln!(out, "{} {}", style.warning("warning:"), warning_line(warning))?;
    }
    Ok(())
}

/// What was saved, in one line.
pub(crate) fn summary(snapshot: &Snapshot) -> String {
    format!(
        "{}, {} ({} new)",
        human::count(snapshot.counts.files, "file", "files"),
        Size(snapshot.size_bytes),
        Size(snapshot.added_bytes)
    )
}

/// A warning in one line.
pub(crate) fn warning_line(warning: &Warning) -> String {
    format!("{}: {} ({})", human::one_line(&warning.path), human::one_line(&warning.detail), warning.code)
}
