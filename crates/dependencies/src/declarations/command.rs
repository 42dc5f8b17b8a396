//! One declared command.

use serde::Serialize;

use super::fields::Problems;
use crate::yaml::{Entry, Node};

/// The longest name, in characters.
const MAX_NAME: usize = 100;
/// The longest description, in characters.
const MAX_DESCRIPTION: usize = 500;
/// The longest time limit, in seconds: a week.
const MAX_TIMEOUT_S: u64 = 7 * 24 * 3600;
const KEYS: [&str; 12] = [
    "run",
    "description",
    "category",
    "example",
    "working_dir",
    "env",
    "stdin",
    "context",
    "reads",
    "writes",
    "args",
    "timeout_s",
];

/// A command as it is declared. `run` is a line for the shell, written by whoever wrote the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Command {
    /// Its name, without `:`.
    pub name: String,
    /// The line for the shell.
    pub run: String,
    /// What it does.
    pub description: Option<String>,
    /// The group it is listed in.
    pub category: Option<String>,
    /// How it is called.
    pub example: Option<String>,
    /// The directory it runs in, relative to its root.
    pub working_dir: Option<String>,
    /// Its environment beside the usual one.
    pub env: Vec<(String, String)>,
    /// What it reads from standard input.
    pub stdin: Option<String>,
    /// Names that other tools use. Here they have no effect.
    pub context: Vec<String>,
    /// The state that it reads.
    pub reads: Vec<String>,
    /// The state that it writes.
    pub writes: Vec<String>,
    /// Its arguments.
    pub args: Vec<Argument>,
    /// Its time limit, in seconds; 0 is none.
    pub timeout_s: Option<u64>,
    /// On which line.
    #[serde(skip)]
    pub line: usize,
}

/// An argument of a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Argument {
    /// Its name: `{name}` in `run` is replaced by it.
    pub name: String,
    /// What it is.
    pub description: Option<String>,
    /// Its value when none is given.
    pub default: Option<String>,
    /// It has to be given.
    pub required: bool,
}

pub(super) fn read(problems: &mut Problems, entry: &Entry) -> Option<Command> {
    let line = entry.key.line;
    let name = entry.key.text().unwrap_or_default().to_owned();
    let shown = crate::name::shown(&name);
    if name.is_empty()
        || name.chars().count() > MAX_NAME
        || name.contains(':')
        || name.chars().any(char::is_control)
    {
        problems.error(line, format!("`{shown}` cannot name a command: 1 to 100 characters without `:`"));
        return None;
    }
    let (value, inside) = (&entry.value, format!("command `{shown}`"));
    if value.entries().is_none() {
        problems.error(value.line, format!("{inside} is {}, it must be a mapping with `run`", value.what()));
        return None;
    }
    problems.unknown_keys(value, &inside, &KEYS);
    let run = problems.text(value, &inside, "run").filter(|run| !run.trim().is_empty());
    if run.is_none() {
        problems.error(line, format!("{inside} has no `run`"));
    }
    Some(Command {
        run: run?,
        description: problems.short_text(value, &inside, "description", MAX_DESCRIPTION),
        category: problems.text(value, &inside, "category"),
        example: problems.text(value, &inside, "example"),
        working_dir: problems.text(value, &inside, "working_dir"),
        env: environment(problems, value, &inside),
        stdin: problems.text(value, &inside, "stdin"),
        context: problems.texts(value, &inside, "context"),
        reads: problems.texts(value, &inside, "reads"),
        writes: problems.texts(value, &inside, "writes"),
        args: arguments(problems, value, &inside),
        timeout_s: timeout(problems, value, &inside),
        name,
        line,
    })
}

fn environment(problems: &mut Problems, command: &Node, inside: &str) -> Vec<(String, String)> {
    let Some(env) = command.get("env") else { return Vec::new() };
    let mut variables = Vec::new();
    for entry in problems.mapping(env, &format!("`env` of {inside}")) {
        let name = entry.key.text().unwrap_or_default();
        let right = !name.is_empty()
            && !name.contains(['=', '\0'])
            && !name.starts_with(|c: char| c.is_ascii_digit());
        match entry.value.text() {
            _ if !right => {
                let name = crate::name::shown(name);
                problems.error(entry.key.line, format!("`{name}` cannot name a variable"));
            }
            Some(value) if !value.contains('\0') => variables.push((name.to_owned(), value.to_owned())),
            None if entry.value.is_null() => variables.push((name.to_owned(), String::new())),
            _ => problems.error(entry.value.line, format!("the variable `{name}` of {inside} must be text")),
        }
    }
    variables
}

/// `args`: a list of names, a list of mappings with `name`, or a mapping from name to particulars.
fn arguments(problems: &mut Problems, command: &Node, inside: &str) -> Vec<Argument> {
    let Some(args) = command.get("args") else { return Vec::new() };
    let bare =
        |name: &str| Argument { name: name.to_owned(), description: None, default: None, required: false };
    let mut found = Vec::new();
    if let Some(items) = args.items() {
        for item in items {
            match (item.text(), item.get("name").and_then(Node::text)) {
                (Some(name), _) => found.push(bare(name)),
                (None, Some(name)) => found.push(detailed(problems, bare(name), item, inside)),
                _ => problems.error(item.line, format!("an argument of {inside} has no name")),
            }
        }
    } else {
        for entry in problems.mapping(args, &format!("`args` of {inside}")) {
            let argument = bare(entry.key.text().unwrap_or_default());
            found.push(if entry.value.entries().is_some() {
                detailed(problems, argument, &entry.value, inside)
            } else {
                Argument { description: entry.value.text().map(str::to_owned), ..argument }
            });
        }
    }
    found
}

fn detailed(problems: &mut Problems, argument: Argument, node: &Node, inside: &str) -> Argument {
    Argument {
        description: problems.text(node, inside, "description"),
        default: problems.text(node, inside, "default"),
        required: node.get("required").and_then(Node::truth).unwrap_or(false),
        ..argument
    }
}

fn timeout(problems: &mut Problems, command: &Node, inside: &str) -> Option<u64> {
    let text = problems.text(command, inside, "timeout_s")?;
    let seconds = text.parse::<u64>().ok().filter(|seconds| *seconds <= MAX_TIMEOUT_S);
    if seconds.is_none() {
        let line = command.get("timeout_s").map_or(command.line, |value| value.line);
        problems.error(line, format!("`timeout_s` of {inside} must be 0 to {MAX_TIMEOUT_S} seconds"));
    }
    seconds
}
