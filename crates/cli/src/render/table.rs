//! Columns of text.

use std::fmt::Write as _;
use std::io::{self, Write};

use crate::style::Style;

/// How a column stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    /// At its left edge.
    Left,
    /// At its right edge.
    Right,
}

/// A table with a heading; every column is as wide as its widest cell.
#[derive(Debug)]
pub(crate) struct Table {
    columns: Vec<(&'static str, Align)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these columns.
    pub(crate) fn new(columns: &[(&'static str, Align)]) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new() }
    }

    /// Adds a row with one cell per column.
    pub(crate) fn row(&mut self, cells: Vec<String>) {
        debug_assert_eq!(cells.len(), self.columns.len(), "a row has one cell per column");
        self.rows.push(cells);
    }

    /// Writes the table; nothing when it has no rows.
    pub(crate) fn write(&self, out: &mut dyn Write, style: Style) -> io::Result<()> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let widths: Vec<usize> = (0..self.columns.len())
            .map(|column| {
                let cells = self.rows.iter().map(|row| row[column].chars().count());
                cells.chain([self.columns[column].0.len()]).max().unwrap_or(0)
            })
            .collect();
        let heading: Vec<String> = self.columns.iter().map(|(name, _)| (*name).to_owned()).collect();
        writeln!(out, "{}", style.dim(&self.line(&heading, &widths)))?;
        for row in &self.rows {
            writeln!(out, "{}", self.line(row, &widths))?;
        }
        Ok(())
    }

    fn line(&self, cells: &[String], widths: &[usize]) -> String {
        let mut line = String::new();
        for ((cell, width), (_, align)) in cells.iter().zip(widths).zip(&self.columns) {
            if !line.is_empty() {
                line.push_str("  ");
            }
            // Writing to a string cannot fail.
            match align {
                Align::Left => drop(write!(line, "{cell:<width$}")),
                Align::Right => drop(write!(line, "{cell:>width$}")),
            }
        }
        line.truncate(line.trim_end().len());
        line
    }
}

/// Lines of `name  value`, the values in one column; empty values are left out.
pub(crate) fn facts(out: &mut dyn Write, style: Style, rows: &[(&str, String)]) -> io::Result<()> {
    let rows: Vec<_> = rows.iter().filter(|(_, value)| !value.is_empty()).collect();
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (name, value) in rows {
        writeln!(out, "{}  {value}", style.dim(&format!("{name:<width$}")))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::style::ColorChoice;

    #[test]
    fn columns_line_up_and_lines_have_no_tail() {
        let mut table = Table::new(&[("NAME", Align::Left), ("SIZE", Align::Right), ("LABEL", Align::Left)]);
        table.row(vec!["ä".into(), "5 B".into(), String::new()]);
        table.row(vec!["longer".into(), "12.0 MiB".into(), "x".into()]);
        let mut out = Vec::new();
        table.write(&mut out, Style::choose(ColorChoice::Never, false)).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "NAME        SIZE  LABEL\nä            5 B\nlonger  12.0 MiB  x\n"
        );
    }
}
