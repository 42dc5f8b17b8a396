//! Changes one declaration in the text of a `graft.yaml`. Every byte that is not part of it stays: comments, quotes,
//! blanks, line ends and the order of the entries.
//!
//! Each edit is read back and compared with what it should say. Text that an edit cannot keep, for example a value that
//! is used through an alias, is refused and never damaged.

use std::ops::Range;

use super::declared::Section;
use super::read::{API_VERSION, Declarations};
use crate::error::{DependencyError, Result};
use crate::name::DependencyName;
use crate::pin::Pin;
use crate::yaml::{self, Entry, Node, Scalar, Style, Value};

/// Points the declaration of `name` to `pin`.
pub fn set(text: &str, name: &DependencyName, pin: &Pin) -> Result<String> {
    let before = Declarations::parse(super::FILE_NAME, text)?;
    let declared = before
        .dependency(name)
        .ok_or_else(|| DependencyError::UnknownDependency { name: name.to_string() })?;
    if declared.source == pin.source && declared.reference == pin.reference {
        return Ok(text.to_owned());
    }
    let section = declared.section;
    let mut edited = Edit::of(text)?;
    let entry = edited.entry(section, name)?;
    let value = &entry.value;
    if value.entries().is_some() {
        // From the back, so that the spans in front stay right.
        let mut changes = vec![field(value, "source", pin.source.as_str())?];
        match value.get("ref") {
            Some(reference) if !reference.is_null() => {
                changes.push(field(value, "ref", pin.reference.as_str())?);
            }
            Some(_) => return Err(cannot("a `ref` without a value")),
            None => changes.push(edited.new_ref(value, pin.reference.as_str())?),
        }
        changes.sort_by_key(|(range, _)| std::cmp::Reverse(range.start));
        for (range, new) in changes {
            edited.replace(range, &new);
        }
    } else {
        let (range, new) = scalar(value, &pin.to_text())?;
        edited.replace(range, &new);
    }
    let mut expected = before;
    for other in &mut expected.dependencies {
        if other.name == *name {
            (other.source, other.reference) = (pin.source.clone(), pin.reference.clone());
        }
    }
    edited.checked(expected)
}

/// Declares `name`. Without a text, or without anything in it, a whole new one is written.
pub fn add(text: Option<&str>, name: &DependencyName, pin: &Pin) -> Result<String> {
    let line = |indent: &str| format!("{indent}{}: {}", name, yaml::render(&pin.to_text(), Style::Double));
    let text = text.unwrap_or_default();
    if yaml::parse(text.strip_prefix('\u{feff}').unwrap_or(text)).is_ok_and(|root| root.is_none()) {
        let kept =
            if text.is_empty() || text.ends_with('\n') { text.to_owned() } else { format!("{text}\n") };
        return Ok(format!("{kept}apiVersion: {API_VERSION}\ndeps:\n{}\n", line("  ")));
    }
    let before = Declarations::parse(super::FILE_NAME, text)?;
    if let Some(taken) = before.dependencies.iter().find(|declared| declared.name.folded() == name.folded()) {
        return Err(DependencyError::DuplicateDependency { name: taken.name.to_string() });
    }
    let mut edited = Edit::of(text)?;
    let (deps, dependencies) = (edited.root.get("deps"), edited.root.get("dependencies"));
    let section = match (deps, dependencies) {
        (None, Some(_)) => Section::Dependencies,
        _ => Section::Deps,
    };
    let found = edited.root.entry(section.key()).cloned();
    match found {
        None => edited.new_section(&format!("{}:", section.key()), &line("  ")),
        Some(entry) if entry.value.shared => return Err(cannot("the section stands behind an alias")),
        Some(Entry { key, value }) => match &value.value {
            Value::Mapping { entries, flow: true } => {
                let comma = if entries.is_empty() { "" } else { ", " };
                let at = entries
                    .last()
                    .map_or(value.span.end - 1, |last| last.value.span.end.max(last.key.span.end));
                edited.replace(at..at, &format!("{comma}{}", line("")));
            }
            Value::Mapping { entries, .. } => {
                let first = entries.first().ok_or_else(|| cannot("an empty section"))?;
                let indent = edited.indent_of(first)?;
                let at = edited.end_of_line(edited.last_byte(&value.span));
                edited.insert_line(at, &line(&indent));
            }
            _ => {
                edited.replace(value.span.clone(), "");
                let at = edited.end_of_line(key.span.end);
                let indent = " ".repeat(edited.column(key.span.start) + 2);
                edited.insert_line(at, &line(&indent));
            }
        },
    }
    let mut expected = before;
    expected.dependencies.push(super::Declared {
        name: name.clone(),
        source: pin.source.clone(),
        reference: pin.reference.clone(),
        section,
        line: 0,
    });
    edited.checked(expected)
}

/// Removes the declaration of `name`; comments around it stay.
pub fn remove(text: &str, name: &DependencyName) -> Result<String> {
    let before = Declarations::parse(super::FILE_NAME, text)?;
    let section = before
        .dependency(name)
        .ok_or_else(|| DependencyError::UnknownDependency { name: name.to_string() })?
        .section;
    let mut edited = Edit::of(text)?;
    let entry = edited.entry(section, name)?;
    let parent = edited.root.entry(section.key()).cloned().ok_or_else(|| cannot("a section that is gone"))?;
    let Value::Mapping { entries, flow } = &parent.value.value else { return Err(cannot("an odd section")) };
    let at = entries.iter().position(|other| other.key.span == entry.key.span);
    let at = at.ok_or_else(|| cannot("the declaration comes from a merge key"))?;
    let end = entry.value.span.end.max(entry.key.span.end);
    if *flow {
        let range = if at > 0 {
            let previous = &entries[at - 1];
            previous.value.span.end.max(previous.key.span.end)..end
        } else if let Some(next) = entries.get(1) {
            entry.key.span.start..next.key.span.start
        } else {
            entry.key.span.start..end
        };
        edited.replace(range, "");
    } else {
        edited.indent_of(&entry)?;
        let start = edited.start_of_line(entry.key.span.start);
        let last = edited.last_byte(&(entry.key.span.start..end));
        let end = edited.end_of_line(last);
        edited.replace(start..end, "");
        if entries.len() == 1 {
            let colon =
                edited.text[parent.key.span.end..].find(':').map(|found| parent.key.span.end + found + 1);
            let colon = colon.ok_or_else(|| cannot("a section without a colon"))?;
            edited.replace(colon..colon, " {}");
        }
    }
    let mut expected = before;
    expected.dependencies.retain(|declared| declared.name != *name);
    edited.checked(expected)
}

/// A text being edited, and the tree of its state before the edit.
struct Edit {
    mark: &'static str,
    text: String,
    root: Node,
    newline: &'static str,
}

impl Edit {
    fn of(text: &str) -> Result<Self> {
        let (mark, text) = text.strip_prefix('\u{feff}').map_or(("", text), |rest| ("\u{feff}", rest));
        let root = yaml::parse(text).map_err(|error| DependencyError::Malformed {
            file: super::FILE_NAME.to_owned(),
            line: error.line,
            problem: error.problem,
        })?;
        let root = root.ok_or_else(|| cannot("the file is empty"))?;
        let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
        Ok(Self { mark, text: text.to_owned(), root, newline })
    }

    fn entry(&self, section: Section, name: &DependencyName) -> Result<Entry> {
        let entry = self.root.get(section.key()).and_then(|node| node.entry(name.as_str()));
        let entry = entry.ok_or_else(|| DependencyError::UnknownDependency { name: name.to_string() })?;
        if entry.value.shared || entry.key.shared {
            return Err(cannot("the declaration stands behind an alias or a merge key"));
        }
        Ok(entry.clone())
    }

    fn replace(&mut self, range: Range<usize>, new: &str) {
        self.text.replace_range(range, new);
    }

    /// Inserts a line at `at`, which begins a line or ends the text.
    fn insert_line(&mut self, at: usize, line: &str) {
        let newline = self.newline;
        let begins = at == 0 || self.text.as_bytes()[at - 1] == b'\n';
        let before = if begins { "" } else { newline };
        self.replace(at..at, &format!("{before}{line}{newline}"));
    }

    fn new_section(&mut self, head: &str, line: &str) {
        if let Value::Mapping { entries, flow: true } = &self.root.value {
            let at = self.root.span.end - 1;
            let comma = if entries.is_empty() { "" } else { ", " };
            self.replace(at..at, &format!("{comma}{head} {{{}}}", line.trim_start()));
        } else {
            let section = format!("{head}{}{line}", self.newline);
            self.insert_line(self.text.len(), &section);
        }
    }

    /// A `ref` beside the `source` of a declaration that has none.
    fn new_ref(&self, value: &Node, reference: &str) -> Result<(Range<usize>, String)> {
        let source = value.entry("source").ok_or_else(|| cannot("no `source`"))?;
        let style = match &source.value.value {
            Value::Scalar(Scalar { style, .. }) => *style,
            _ => Style::Double,
        };
        let new = format!("ref: {}", yaml::render(reference, style));
        if matches!(value.value, Value::Mapping { flow: true, .. }) {
            let at = source.value.span.end;
            return Ok((at..at, format!(", {new}")));
        }
        let indent = self.indent_of(source)?;
        let at = self.end_of_line(self.last_byte(&source.value.span));
        let begins = self.text.as_bytes()[..at].ends_with(b"\n");
        let before = if begins { "" } else { self.newline };
        Ok((at..at, format!("{before}{indent}{new}{}", self.newline)))
    }

    /// The blanks in front of an entry that begins its line.
    fn indent_of(&self, entry: &Entry) -> Result<String> {
        let start = self.start_of_line(entry.key.span.start);
        let before = &self.text[start..entry.key.span.start];
        if before.chars().all(|c| c == ' ') {
            Ok(before.to_owned())
        } else {
            Err(cannot("an entry does not begin its line"))
        }
    }

    fn column(&self, at: usize) -> usize {
        at - self.start_of_line(at)
    }

    fn start_of_line(&self, at: usize) -> usize {
        self.text[..at].rfind('\n').map_or(0, |found| found + 1)
    }

    /// Behind the line break of the line that `at` is in.
    fn end_of_line(&self, at: usize) -> usize {
        self.text[at..].find('\n').map_or(self.text.len(), |found| at + found + 1)
    }

    /// The end of `range` without the blanks and line breaks at its end.
    fn last_byte(&self, range: &Range<usize>) -> usize {
        range.start + self.text[range.clone()].trim_end().len()
    }

    /// The edited text, when it says what is expected.
    fn checked(self, expected: Declarations) -> Result<String> {
        let text = format!("{}{}", self.mark, self.text);
        match Declarations::parse(super::FILE_NAME, &text) {
            Ok(found) if comparable(found.clone()) == comparable(expected) => Ok(text),
            _ => Err(cannot("the edit would change something else")),
        }
    }
}

/// The same without lines, and without the order of the dependencies.
fn comparable(mut declarations: Declarations) -> Declarations {
    declarations.dependencies.sort_by(|a, b| a.name.cmp(&b.name));
    declarations.dependencies.iter_mut().for_each(|declared| declared.line = 0);
    declarations.changes.iter_mut().for_each(|change| change.line = 0);
    declarations.commands.iter_mut().for_each(|command| command.line = 0);
    declarations.sequences.iter_mut().for_each(|sequence| sequence.line = 0);
    declarations
}

fn field(mapping: &Node, key: &str, new: &str) -> Result<(Range<usize>, String)> {
    let value = mapping.get(key).ok_or_else(|| cannot("a field is missing"))?;
    if value.text() == Some(new) {
        return Ok((value.span.start..value.span.start, String::new()));
    }
    scalar(value, new)
}

fn scalar(value: &Node, new: &str) -> Result<(Range<usize>, String)> {
    if value.shared {
        return Err(cannot("the value stands behind an alias"));
    }
    match &value.value {
        Value::Scalar(Scalar { style: Style::Block, .. }) => Err(cannot("the value is a block of text")),
        Value::Scalar(scalar) => Ok((value.span.clone(), yaml::render(new, scalar.style))),
        _ => Err(cannot("the value is no text")),
    }
}

const fn cannot(reason: &'static str) -> DependencyError {
    DependencyError::CannotEdit { reason }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn name(text: &str) -> DependencyName {
        DependencyName::parse(text).unwrap()
    }

    fn pin(text: &str) -> Pin {
        Pin::parse(text).unwrap()
    }

    const TEXT: &str = "# ours\napiVersion: graft/v0   # the format\n\ndeps:\n  # the base\n  kb: 'a#v1'  # pinned\n  \
                        tools:   b#v1\n\n  # last\n  more: \"c#v1\"\n# end\nchanges: {v1: }\n";

    #[test]
    fn a_new_ref_changes_only_its_own_bytes() {
        for (which, old, new) in
            [("kb", "'a#v1'", "'a#v2'"), ("tools", "b#v1", "b#v2"), ("more", "\"c#v1\"", "\"c#v2\"")]
        {
            let source = &old.trim_matches(['\'', '"'])[..1];
            let edited = set(TEXT, &name(which), &pin(&format!("{source}#v2"))).unwrap();
            assert_eq!(edited, TEXT.replace(old, new));
        }
        assert_eq!(set(TEXT, &name("kb"), &pin("a#v1")).unwrap(), TEXT);
    }

    #[test]
    fn the_long_form_is_edited_in_place() {
        let text = "apiVersion: graft/v0\r\ndependencies:\r\n  a: {source: x}\r\n  b:\r\n    source: 'y'   # why\r\n\r\n  c:\r\n    ref: v1\r\n    source: z\r\n";
        let a = set(text, &name("a"), &pin("x#v2")).unwrap();
        assert_eq!(a, text.replace("{source: x}", "{source: x, ref: v2}"));
        let b = set(text, &name("b"), &pin("y#v2")).unwrap();
        assert_eq!(b, text.replace("# why\r\n", "# why\r\n    ref: 'v2'\r\n"));
        let c = set(text, &name("c"), &pin("w#v2")).unwrap();
        assert_eq!(c, text.replace("ref: v1\r\n    source: z", "ref: v2\r\n    source: w"));
    }

    #[test]
    fn adding_goes_to_the_end_of_the_section() {
        let edited = add(Some(TEXT), &name("new"), &pin("d#v1")).unwrap();
        assert_eq!(edited, TEXT.replace("\"c#v1\"\n", "\"c#v1\"\n  new: \"d#v1\"\n"));
        let fresh = add(None, &name("new"), &pin("d#v1")).unwrap();
        assert_eq!(fresh, "apiVersion: graft/v0\ndeps:\n  new: \"d#v1\"\n");
        for (before, after) in [
            ("apiVersion: graft/v0", "apiVersion: graft/v0\ndeps:\n  new: \"d#v1\"\n"),
            (
                "apiVersion: graft/v0\ndeps:  # none\nx: 1\n",
                "apiVersion: graft/v0\ndeps:  # none\n  new: \"d#v1\"\nx: 1\n",
            ),
            ("apiVersion: graft/v0\ndeps: {}\n", "apiVersion: graft/v0\ndeps: {new: \"d#v1\"}\n"),
            (
                "apiVersion: graft/v0\ndeps: {a: 'x#1' }\n",
                "apiVersion: graft/v0\ndeps: {a: 'x#1', new: \"d#v1\" }\n",
            ),
            (
                "apiVersion: graft/v0\ndependencies:\n    a: x#1 # c",
                "apiVersion: graft/v0\ndependencies:\n    a: x#1 # c\n    new: \"d#v1\"\n",
            ),
            ("{apiVersion: graft/v0}\n", "{apiVersion: graft/v0, deps: {new: \"d#v1\"}}\n"),
        ] {
            assert_eq!(add(Some(before), &name("new"), &pin("d#v1")).unwrap(), after, "{before}");
        }
        assert!(matches!(
            add(Some(TEXT), &name("KB"), &pin("d#v1")),
            Err(DependencyError::DuplicateDependency { .. })
        ));
    }

    #[test]
    fn removing_keeps_the_comments() {
        let edited = remove(TEXT, &name("kb")).unwrap();
        assert_eq!(edited, TEXT.replace("  kb: 'a#v1'  # pinned\n", ""));
        let one = "apiVersion: graft/v0\ndeps: # all\n  # it\n  kb: a#1\n";
        assert_eq!(remove(one, &name("kb")).unwrap(), "apiVersion: graft/v0\ndeps: {} # all\n  # it\n");
        let flow = "apiVersion: graft/v0\ndeps: {a: 'x#1', b: 'y#1', c: 'z#1'}\n";
        assert_eq!(remove(flow, &name("a")).unwrap(), flow.replace("a: 'x#1', ", ""));
        assert_eq!(remove(flow, &name("c")).unwrap(), flow.replace(", c: 'z#1'", ""));
        assert!(matches!(remove(TEXT, &name("gone")), Err(DependencyError::UnknownDependency { .. })));
    }

    #[test]
    fn what_stands_behind_an_alias_is_refused() {
        let text = "apiVersion: graft/v0\nmetadata: &p 'a#v1'\ndeps: {kb: *p}\n";
        assert!(matches!(set(text, &name("kb"), &pin("a#v2")), Err(DependencyError::CannotEdit { .. })));
    }

    proptest! {
        /// Whatever the text, an edit panics never, and what was added can be removed again.
        #[test]
        fn edits_are_total(text in "(apiVersion: graft/v0\n)?(deps|dependencies|x)?:?[ -~\n#é]{0,60}") {
            if let Ok(added) = add(Some(&text), &name("new"), &pin("d#v1")) {
                let again = set(&added, &name("new"), &pin("d#v2")).unwrap();
                prop_assert_eq!(again.replace("d#v2", "d#v1"), added.clone());
                remove(&added, &name("new")).unwrap();
            }
        }
    }
}
