//! Writes `graft.lock`, version 3.

use std::fmt::Write;

use super::Lock;
use crate::yaml::{Style, render};

impl Lock {
    /// The text of the lock: entries from a to z, fields in one order, the same bytes for the same entries.
    pub fn to_text(&self) -> String {
        let mut text = "apiVersion: graft/v0\n".to_owned();
        if self.entries.is_empty() {
            text.push_str("dependencies: {}\n");
            return text;
        }
        text.push_str("dependencies:\n");
        for (name, entry) in &self.entries {
            // A name such as `1` or `yes` would be read as something else without quotes.
            let key = render(name.as_str(), Style::Plain);
            let quoted = |value: &str| render(value, Style::Double);
            let written = write!(
                text,
                "  {key}:\n    source: {}\n    ref: {}\n    commit: {}\n    consumed_at: {}\n",
                quoted(entry.source.as_str()),
                quoted(entry.reference.as_str()),
                quoted(entry.commit.as_str()),
                quoted(&entry.consumed_at.to_string()),
            );
            written.expect("writing to a string does not fail");
        }
        text
    }
}
