//! Reads the fields of a mapping and collects what is wrong with them.

use super::read::Problem;
use crate::yaml::{Entry, Node};

/// What was found wrong so far.
#[derive(Debug, Default)]
pub(super) struct Problems {
    pub(super) errors: Vec<Problem>,
    pub(super) warnings: Vec<Problem>,
}

impl Problems {
    pub(super) fn error(&mut self, line: usize, text: impl Into<String>) {
        self.errors.push(Problem { line, text: text.into() });
    }

    pub(super) fn warn(&mut self, line: usize, text: impl Into<String>) {
        self.warnings.push(Problem { line, text: text.into() });
    }

    /// Warns about every key of `node` that is not in `known`.
    pub(super) fn unknown_keys(&mut self, node: &Node, inside: &str, known: &[&str]) {
        for entry in node.entries().unwrap_or_default() {
            let key = entry.key.text().unwrap_or_default();
            if !known.contains(&key) {
                self.warn(entry.key.line, format!("unknown key `{}` in {inside}", crate::name::shown(key)));
            }
        }
    }

    /// The entries of a mapping; nothing counts as an empty one.
    pub(super) fn mapping<'a>(&mut self, node: &'a Node, what: &str) -> &'a [Entry] {
        if let Some(entries) = node.entries() {
            return entries;
        }
        if !node.is_null() {
            self.error(node.line, format!("{what} is {}, it must be a mapping", node.what()));
        }
        &[]
    }

    /// The text of the field `key`.
    pub(super) fn text(&mut self, node: &Node, inside: &str, key: &str) -> Option<String> {
        let value = node.get(key)?;
        if value.is_null() {
            return None;
        }
        let text = value.text().map(str::to_owned);
        if text.is_none() {
            self.error(value.line, format!("`{key}` of {inside} is {}, it must be text", value.what()));
        }
        text
    }

    /// The text of the field `key`, of at most `longest` characters.
    pub(super) fn short_text(
        &mut self,
        node: &Node,
        inside: &str,
        key: &str,
        longest: usize,
    ) -> Option<String> {
        let text = self.text(node, inside, key)?;
        if text.chars().count() > longest {
            let line = node.get(key).map_or(node.line, |value| value.line);
            self.error(line, format!("`{key}` of {inside} is longer than {longest} characters"));
        }
        Some(text)
    }

    /// The texts of the field `key`: a list, or one text.
    pub(super) fn texts(&mut self, node: &Node, inside: &str, key: &str) -> Vec<String> {
        let Some(value) = node.get(key) else { return Vec::new() };
        if let Some(text) = value.text() {
            return vec![text.to_owned()];
        }
        let Some(items) = value.items() else {
            if !value.is_null() {
                self.error(value.line, format!("`{key}` of {inside} is {}, it must be a list", value.what()));
            }
            return Vec::new();
        };
        let mut texts = Vec::new();
        for item in items {
            match item.text() {
                Some(text) => texts.push(text.to_owned()),
                None => self.error(item.line, format!("`{key}` of {inside} holds {}", item.what())),
            }
        }
        texts
    }
}
