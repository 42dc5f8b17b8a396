//! Differences.

use std::io::{self, Write};

use backstay_api::change::{Change, ChangeKind, ChangeSummary};

use crate::human::{self, Size};
use crate::style::Style;

/// The letter of a change.
pub(crate) const fn letter(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::Added => "A",
        ChangeKind::Deleted => "D",
        ChangeKind::Modified => "M",
        ChangeKind::Type => "T",
        ChangeKind::Metadata => "P",
        ChangeKind::Renamed => "R",
    }
}

/// One change in one line, for example `M  src/main.rs` or `R  old -> new`.
pub(crate) fn line(out: &mut dyn Write, style: Style, change: &Change) -> io::Result<()> {
    let letter = letter(change.change);
    let letter = match change.change {
        ChangeKind::Added => style.good(letter),
        ChangeKind::Deleted => style.error(letter),
        _ => style.warning(letter),
    };
    let path = human::one_line(&change.path);
    match &change.from_path {
        Some(from) => writeln!(out, "{letter}  {} -> {path}", human::one_line(from)),
        None => writeln!(out, "{letter}  {path}"),
    }
}

/// How much changes, for example `3 added, 1 modified, 2 deleted, 1.5 MiB`.
pub(crate) fn summary(summary: &ChangeSummary) -> String {
    let ChangeSummary { added, modified, deleted, bytes } = *summary;
    if added + modified + deleted == 0 {
        return "nothing changes".to_owned();
    }
    format!(
        "{} added, {} modified, {} deleted, {}",
        human::grouped(added),
        human::grouped(modified),
        human::grouped(deleted),
        Size(bytes)
    )
}
