//! Operations and what they could not do.

use std::io::{self, Write};

use backstay_api::operation::Operation;
use backstay_api::restore::CannotRestore;

use super::change;
use super::table::{Align, Table};
use crate::human;
use crate::style::Style;

/// A table of operations.
pub(crate) fn list(out: &mut dyn Write, style: Style, operations: &[Operation]) -> io::Result<()> {
    let mut table = Table::new(&[
        ("OPERATION", Align::Left),
        ("TIME", Align::Left),
        ("KIND", Align::Left),
        ("STATE", Align::Left),
        ("CHANGED", Align::Left),
    ]);
    for operation in operations {
        table.row(vec![
            operation.id.clone(),
            human::local_time(operation.started_at),
            operation.kind.clone(),
            word(&operation.state),
            operation.changed_paths.as_ref().map(change::summary).unwrap_or_default(),
        ]);
    }
    table.write(out, style)
}

/// What could not be put back.
pub(crate) fn not_restored(out: &mut dyn Write, style: Style, paths: &[CannotRestore]) -> io::Result<()> {
    for CannotRestore { path, reason } in paths {
        writeln!(
            out,
            "{} {}: {}",
            style.warning("not restored:"),
            human::one_line(path),
            human::one_line(reason)
        )?;
    }
    Ok(())
}

/// The word that JSON uses for a state.
pub(crate) fn word<T: serde::Serialize>(state: &T) -> String {
    serde_json::to_value(state).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}
