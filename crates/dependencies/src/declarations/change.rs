//! One declared change: a version of the dependency and what moving to it takes.

use serde::Serialize;

use super::fields::Problems;
use crate::reference::Reference;
use crate::yaml::Entry;

/// The longest description, in characters.
const MAX_DESCRIPTION: usize = 200;

/// A change as it is declared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The ref that the change arrives at.
    #[serde(rename = "ref")]
    pub reference: Reference,
    /// What kind it is, for example `breaking`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// One sentence.
    pub description: Option<String>,
    /// The command that moves a workspace to this change.
    pub migration: Option<String>,
    /// The command that checks a workspace at this change.
    pub verify: Option<String>,
    /// On which line.
    #[serde(skip)]
    pub line: usize,
}

pub(super) fn read(problems: &mut Problems, entry: &Entry) -> Option<Change> {
    let line = entry.key.line;
    let reference = match Reference::parse(entry.key.text().unwrap_or_default()) {
        Ok(reference) => reference,
        Err(error) => {
            problems.error(line, error.to_string());
            return None;
        }
    };
    let mut change = Change { reference, kind: None, description: None, migration: None, verify: None, line };
    let value = &entry.value;
    if value.is_null() {
        return Some(change);
    }
    let inside = format!("change `{}`", change.reference);
    if value.entries().is_none() {
        problems.error(value.line, format!("{inside} is {}, it must be a mapping or nothing", value.what()));
        return None;
    }
    // Keys beyond the known ones are metadata of the change and its authors' own.
    change.kind = problems.text(value, &inside, "type");
    change.description = problems.short_text(value, &inside, "description", MAX_DESCRIPTION);
    change.migration = problems.text(value, &inside, "migration");
    change.verify = problems.text(value, &inside, "verify");
    Some(change)
}
