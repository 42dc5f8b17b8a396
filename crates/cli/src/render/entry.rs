//! The entries of a snapshot.

use std::io::{self, Write};

use backstay_api::entry::{Entry, EntryKind};

use crate::human::{self, Size};
use crate::style::Style;

/// One entry in one line, as `ls -l` would show it.
pub(crate) fn line(out: &mut dyn Write, style: Style, entry: &Entry) -> io::Result<()> {
    let kind = match entry.kind {
        EntryKind::File => '-',
        EntryKind::Directory => 'd',
        EntryKind::Symlink => 'l',
        EntryKind::Fifo => 'p',
        EntryKind::Socket => 's',
        EntryKind::Device => 'b',
        EntryKind::Unreadable => '!',
    };
    let size = entry.size_bytes.map(|bytes| Size(bytes).to_string()).unwrap_or_default();
    let time = entry.modified_at.map(human::local_time).unwrap_or_default();
    let path = human::one_line(&entry.path);
    let path = if entry.kind == EntryKind::Directory { style.strong(&path) } else { path };
    write!(out, "{kind} {}  {size:>10}  {time:<19}  {path}", entry.mode)?;
    match &entry.target {
        Some(target) => writeln!(out, " -> {}", human::one_line(target)),
        None => writeln!(out),
    }
}
