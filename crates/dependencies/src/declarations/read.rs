//! Reads `graft.yaml`.

use std::collections::HashMap;

use serde::Serialize;

use super::change::{self, Change};
use super::command::{self, Command};
use super::declared::{self, Declared, Section};
use super::fields::Problems;
use super::sequence::{self, Sequence, StateQuery};
use crate::error::{DependencyError, Result};
use crate::name::DependencyName;
use crate::reference::Reference;
use crate::yaml::{self, Node};

/// The version that this program writes and fully knows.
pub(super) const API_VERSION: &str = "graft/v0";
const KEYS: [&str; 9] =
    ["apiVersion", "deps", "dependencies", "changes", "commands", "metadata", "state", "sequences", "scions"];

/// Something that is wrong in the file, or that should be looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong there.
    pub text: String,
}

/// What a `graft.yaml` says, in the order in which it says it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Declarations {
    /// The version of the format.
    pub api_version: String,
    /// The dependencies.
    pub dependencies: Vec<Declared>,
    /// The changes of this repository, for those who depend on it.
    pub changes: Vec<Change>,
    /// The commands.
    pub commands: Vec<Command>,
    /// The sequences of commands.
    pub sequences: Vec<Sequence>,
    /// The declared state.
    pub state: Vec<StateQuery>,
    /// Whatever stands in `metadata`.
    pub metadata: serde_json::Value,
    /// Whatever stands in `scions`.
    pub scions: serde_json::Value,
}

/// A file as far as it could be understood, and everything that is wrong with it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reading {
    /// What could be understood.
    pub declarations: Declarations,
    /// What has to be mended.
    pub errors: Vec<Problem>,
    /// What should be looked at.
    pub warnings: Vec<Problem>,
}

impl Declarations {
    /// Parses the text of `file` (a name for messages), stopping at the first mistake.
    pub fn parse(file: &str, text: &str) -> Result<Self> {
        Ok(Self::parse_with_warnings(file, text)?.0)
    }

    /// The same, with what should be looked at.
    pub fn parse_with_warnings(file: &str, text: &str) -> Result<(Self, Vec<Problem>)> {
        let reading = read(text);
        match reading.errors.into_iter().min_by_key(|problem| problem.line) {
            Some(Problem { line, text }) => {
                Err(DependencyError::Malformed { file: file.to_owned(), line, problem: text })
            }
            None => Ok((reading.declarations, reading.warnings)),
        }
    }

    /// The dependency with this name.
    pub fn dependency(&self, name: &DependencyName) -> Option<&Declared> {
        self.dependencies.iter().find(|declared| declared.name == *name)
    }

    /// The change declared for exactly this ref.
    pub fn change(&self, reference: &Reference) -> Option<&Change> {
        self.changes.iter().find(|change| change.reference == *reference)
    }

    /// The command with this name.
    pub fn command(&self, name: &str) -> Option<&Command> {
        self.commands.iter().find(|command| command.name == name)
    }

    /// The sequence with this name.
    pub fn sequence(&self, name: &str) -> Option<&Sequence> {
        self.sequences.iter().find(|sequence| sequence.name == name)
    }
}

/// Reads the text of a `graft.yaml` and collects every problem.
pub fn read(text: &str) -> Reading {
    let mut problems = Problems::default();
    let declarations = match yaml::parse(text.strip_prefix('\u{feff}').unwrap_or(text)) {
        Err(error) => {
            problems.error(error.line, error.problem);
            Declarations::default()
        }
        Ok(None) => {
            problems.error(1, "the file is empty: `apiVersion: graft/v0` is required");
            Declarations::default()
        }
        Ok(Some(root)) if root.entries().is_none() => {
            problems.error(root.line, format!("the file is {}, it must be a mapping", root.what()));
            Declarations::default()
        }
        Ok(Some(root)) => read_root(&mut problems, &root),
    };
    Reading { declarations, errors: problems.errors, warnings: problems.warnings }
}

fn read_root(problems: &mut Problems, root: &Node) -> Declarations {
    problems.unknown_keys(root, "graft.yaml", &KEYS);
    let section = |key: &str| root.get(key).filter(|node| !node.is_null());
    let mut found = Declarations { api_version: api_version(problems, root), ..Declarations::default() };
    for which in [Section::Deps, Section::Dependencies] {
        if let Some(node) = section(which.key()) {
            for entry in problems.mapping(node, &format!("`{}`", which.key())) {
                found.dependencies.extend(declared::read(problems, which, entry));
            }
        }
    }
    found.dependencies.sort_by_key(|declared| declared.line);
    distinct(problems, &found.dependencies);
    if let Some(node) = section("changes") {
        for entry in problems.mapping(node, "`changes`") {
            found.changes.extend(change::read(problems, entry));
        }
    }
    if let Some(node) = section("commands") {
        for entry in problems.mapping(node, "`commands`") {
            found.commands.extend(command::read(problems, entry));
        }
    }
    if let Some(node) = section("sequences") {
        for entry in problems.mapping(node, "`sequences`") {
            found.sequences.extend(sequence::read(problems, entry));
        }
    }
    if let Some(node) = section("state") {
        found.state = problems.mapping(node, "`state`").iter().map(sequence::read_state).collect();
    }
    found.metadata = section("metadata").map(Node::to_json).unwrap_or_default();
    found.scions = section("scions").map(Node::to_json).unwrap_or_default();
    named_commands(problems, root, &found);
    found
}

fn api_version(problems: &mut Problems, root: &Node) -> String {
    let Some(entry) = root.entry("apiVersion") else {
        problems.error(1, "`apiVersion` is missing: write `apiVersion: graft/v0`");
        return String::new();
    };
    let version = entry.value.text().unwrap_or_default().to_owned();
    if !version.starts_with("graft/") || version.len() == "graft/".len() {
        let shown = crate::name::shown(&version);
        problems.error(entry.value.line, format!("`apiVersion` is `{shown}`, it must begin with `graft/`"));
    } else if version != API_VERSION {
        let shown = crate::name::shown(&version);
        problems
            .warn(entry.value.line, format!("`apiVersion` is `{shown}`, this program knows `{API_VERSION}`"));
    }
    version
}

fn distinct(problems: &mut Problems, dependencies: &[Declared]) {
    let mut seen: HashMap<String, &Declared> = HashMap::new();
    for declared in dependencies {
        if let Some(first) = seen.insert(declared.name.folded(), declared) {
            let text = format!("dependency `{}` is declared in line {} already", declared.name, first.line);
            problems.error(declared.line, text);
        }
    }
}

/// Every migration, verify and step must be a command. A change whose command was misread has been reported already.
fn named_commands(problems: &mut Problems, root: &Node, found: &Declarations) {
    let known = |name: &str| root.get("commands").is_some_and(|commands| commands.get(name).is_some());
    for change in &found.changes {
        for (field, name) in [("migration", &change.migration), ("verify", &change.verify)] {
            if let Some(name) = name.as_deref().filter(|name| !known(name)) {
                let (reference, name) = (&change.reference, crate::name::shown(name));
                problems.error(
                    change.line,
                    format!("{field} of change `{reference}` is `{name}`, which is no command"),
                );
            }
        }
    }
    for sequence in &found.sequences {
        for step in sequence.steps.iter().filter(|step| !known(step)) {
            let step = crate::name::shown(step);
            problems
                .error(sequence.line, format!("step `{step}` of sequence `{}` is no command", sequence.name));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: &str = r#"
apiVersion: graft/v0
metadata: {owner: docs}
deps:
  kb: "https://example.org/kb.git#v1"
dependencies:
  tools: {source: ../tools}
  more:
    source: git@example.org:more
    ref: v2
changes:
  v1:
  v2: {type: breaking, description: Moves, migration: m2, verify: check, author: x}
commands:
  m2: {run: ./m2.sh, working_dir: scripts, env: {A: 1, B: }, timeout_s: 30, args: [one, {name: two, default: d}]}
  check: {run: test -f x}
sequences:
  all: [m2, check]
state:
  ready: {run: test -f ready}
"#;

    #[test]
    fn both_forms_and_every_section_are_read() {
        let reading = read(FULL);
        assert_eq!((reading.errors, reading.warnings), (vec![], vec![]));
        let found = reading.declarations;
        let short: Vec<_> = found
            .dependencies
            .iter()
            .map(|d| (d.name.as_str(), d.source.as_str(), d.reference.as_str()))
            .collect();
        assert_eq!(
            short,
            [
                ("kb", "https://example.org/kb.git", "v1"),
                ("tools", "../tools", "main"),
                ("more", "git@example.org:more", "v2")
            ]
        );
        let change = &found.changes[1];
        assert_eq!((change.kind.as_deref(), change.migration.as_deref()), (Some("breaking"), Some("m2")));
        let command = found.command("m2").unwrap();
        assert_eq!((command.timeout_s, command.args[1].default.as_deref()), (Some(30), Some("d")));
        assert_eq!(command.env, [("A".to_owned(), "1".to_owned()), ("B".to_owned(), String::new())]);
        assert_eq!(found.sequence("all").unwrap().steps, ["m2", "check"]);
    }

    #[test]
    fn every_mistake_is_reported_with_its_line() {
        let text = "deps:\n  '..': x#y\n  kb: nothing\nchanges:\n  v1: {migration: gone}\ncommands:\n  c: {}\nodd: 1\n";
        let reading = read(text);
        let lines: Vec<_> = reading.errors.iter().map(|problem| problem.line).collect();
        assert_eq!(lines, [1, 2, 3, 7, 5], "{:?}", reading.errors);
        assert_eq!(reading.warnings[0].line, 8);
        let error = Declarations::parse("graft.yaml", text).unwrap_err();
        assert!(error.to_string().starts_with("graft.yaml:1: "), "{error}");
    }

    #[test]
    fn a_name_in_both_sections_is_an_error_whatever_its_case() {
        let text = "apiVersion: graft/v0\ndeps: {kb: 'a#1'}\ndependencies: {KB: 'a#1'}\n";
        assert_eq!(read(text).errors[0].line, 3);
    }

    #[test]
    fn another_version_of_the_format_is_a_warning() {
        assert_eq!(read("apiVersion: graft/v1\n").warnings.len(), 1);
        assert_eq!(read("apiVersion: helm/v1\n").errors.len(), 1);
        assert_eq!(read("").errors.len(), 1);
        assert_eq!(read("[1]").errors.len(), 1);
    }
}
