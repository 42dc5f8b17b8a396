//! One declared dependency.

use super::fields::Problems;
use crate::name::DependencyName;
use crate::pin::Pin;
use crate::reference::Reference;
use crate::url::SourceUrl;
use crate::yaml::{Entry, Node};

/// The section of `graft.yaml` that a dependency stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// `deps`
    Deps,
    /// `dependencies`
    Dependencies,
}

impl Section {
    /// The key of the section.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Deps => "deps",
            Self::Dependencies => "dependencies",
        }
    }
}

/// A dependency as it is declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    /// Its name.
    pub name: DependencyName,
    /// Where it comes from.
    pub source: SourceUrl,
    /// Which ref is wanted.
    pub reference: Reference,
    /// Where it is declared.
    pub section: Section,
    /// On which line.
    pub line: usize,
}

pub(super) fn read(problems: &mut Problems, section: Section, entry: &Entry) -> Option<Declared> {
    let line = entry.key.line;
    let name = match DependencyName::parse(entry.key.text().unwrap_or_default()) {
        Ok(name) => name,
        Err(error) => {
            problems.error(line, error.to_string());
            return None;
        }
    };
    match read_pin(problems, section, &name, &entry.value) {
        Ok(pin) => Some(Declared { name, source: pin.source, reference: pin.reference, section, line }),
        Err(text) => {
            problems.error(entry.value.line, format!("dependency `{name}`: {text}"));
            None
        }
    }
}

fn read_pin(
    problems: &mut Problems,
    section: Section,
    name: &DependencyName,
    value: &Node,
) -> Result<Pin, String> {
    if let Some(text) = value.text() {
        return Pin::parse(text).map_err(|error| error.to_string());
    }
    if section == Section::Deps || value.entries().is_none() {
        return Err(format!("it is {}, write \"url#ref\"", value.what()));
    }
    let inside = format!("dependency `{name}`");
    problems.unknown_keys(value, &inside, &["source", "ref"]);
    let source = value.get("source").and_then(Node::text).ok_or("it has no `source`")?;
    let source = SourceUrl::parse(source).map_err(|error| error.to_string())?;
    let reference = match value.get("ref") {
        Some(reference) if !reference.is_null() => reference.text().ok_or("its `ref` is no text")?,
        _ => "main",
    };
    let reference = Reference::parse(reference).map_err(|error| error.to_string())?;
    Ok(Pin { source, reference })
}
