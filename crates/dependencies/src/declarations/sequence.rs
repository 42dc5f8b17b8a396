//! Sequences of commands, and the state that they hand on.

use serde::Serialize;

use super::fields::Problems;
use crate::yaml::{Entry, Node};

/// Commands that run one after the other, until one fails.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sequence {
    /// Its name.
    pub name: String,
    /// The names of its commands.
    pub steps: Vec<String>,
    /// What it does.
    pub description: Option<String>,
    /// The group it is listed in.
    pub category: Option<String>,
    /// On which line.
    #[serde(skip)]
    pub line: usize,
}

/// A declared part of the state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StateQuery {
    /// Its name.
    pub name: String,
    /// The particulars, as they are written.
    pub detail: serde_json::Value,
}

pub(super) fn read(problems: &mut Problems, entry: &Entry) -> Option<Sequence> {
    let name = entry.key.text().unwrap_or_default().to_owned();
    let inside = format!("sequence `{}`", crate::name::shown(&name));
    if name.is_empty()
        || name.chars().count() > 100
        || name.contains(':')
        || name.chars().any(char::is_control)
    {
        problems.error(entry.key.line, format!("{inside}: a name has 1 to 100 characters without `:`"));
        return None;
    }
    let value = &entry.value;
    let (steps, description, category) = if let Some(items) = value.items() {
        (step_names(problems, items, &inside), None, None)
    } else if value.entries().is_some() {
        problems.unknown_keys(value, &inside, &["steps", "description", "category"]);
        let items = value.get("steps").and_then(Node::items).unwrap_or_default();
        (
            step_names(problems, items, &inside),
            problems.text(value, &inside, "description"),
            problems.text(value, &inside, "category"),
        )
    } else {
        problems.error(value.line, format!("{inside} is {}, it must have `steps`", value.what()));
        return None;
    };
    if steps.is_empty() {
        problems.error(entry.key.line, format!("{inside} has no steps"));
        return None;
    }
    Some(Sequence { name, steps, description, category, line: entry.key.line })
}

fn step_names(problems: &mut Problems, items: &[Node], inside: &str) -> Vec<String> {
    let mut names = Vec::new();
    for item in items {
        match item.text().or_else(|| item.get("command").and_then(Node::text)) {
            Some(name) => names.push(name.to_owned()),
            None => problems.error(item.line, format!("a step of {inside} names no command")),
        }
    }
    names
}

pub(super) fn read_state(entry: &Entry) -> StateQuery {
    StateQuery { name: entry.key.text().unwrap_or_default().to_owned(), detail: entry.value.to_json() }
}
