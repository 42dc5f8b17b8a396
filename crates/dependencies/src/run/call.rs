//! From a name and arguments to the lines that a shell gets.
//!
//! The line is the author's. Arguments of the person who calls it are quoted, so that the shell takes each as one word and
//! as nothing else.

use std::path::{Component, Path, PathBuf};

use serde::Serialize;

use crate::declarations::{Argument, Command, Declarations};
use crate::error::{DependencyError, Result};

/// What a name means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Invocation {
    /// The sequence, when the name is one.
    pub sequence: Option<String>,
    /// What is run, one after the other until one fails.
    pub steps: Vec<Step>,
}

/// One command with its arguments filled in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Its name.
    pub name: String,
    /// The line for the shell.
    pub line: String,
    /// Where it runs.
    pub directory: PathBuf,
    /// What it reads from standard input.
    pub stdin: Option<String>,
    /// Its own variables.
    pub env: Vec<(String, String)>,
    /// The state that it reads.
    pub reads: Vec<String>,
    /// Its time limit in seconds; 0 is none.
    pub timeout_s: Option<u64>,
}

/// What `name` with `arguments` means in `declarations` of the directory `root`: a sequence, else a command. Every step of
/// a sequence gets the same arguments, as far as it names them.
pub fn invocation(
    declarations: &Declarations,
    root: &Path,
    name: &str,
    arguments: &[String],
) -> Result<Invocation> {
    if let Some(sequence) = declarations.sequence(name) {
        let mut steps = Vec::new();
        for step in &sequence.steps {
            let command = declarations
                .command(step)
                .ok_or_else(|| DependencyError::UnknownCommand { name: step.clone() })?;
            // Only what a step names: a sequence has no place to say which step the rest is for.
            steps.push(filled(command, root, arguments, false)?);
        }
        return Ok(Invocation { sequence: Some(sequence.name.clone()), steps });
    }
    let command = declarations
        .command(name)
        .ok_or_else(|| DependencyError::UnknownCommand { name: crate::name::shown(name) })?;
    Ok(Invocation { sequence: None, steps: vec![filled(command, root, arguments, true)?] })
}

fn filled(command: &Command, root: &Path, arguments: &[String], append: bool) -> Result<Step> {
    let (values, rest) = assigned(command, arguments)?;
    let mut line = replace(&command.run, &values);
    if append {
        for argument in rest {
            line.push(' ');
            line.push_str(&quote(argument));
        }
    }
    Ok(Step {
        name: command.name.clone(),
        line,
        directory: directory(command, root)?,
        stdin: command.stdin.clone(),
        env: command.env.clone(),
        reads: command.reads.clone(),
        timeout_s: command.timeout_s,
    })
}

/// The arguments of a call: those that a command names, with their values, and the rest.
type Assigned<'a> = (Vec<(String, String)>, Vec<&'a String>);

/// The value of each declared argument, in their order, and what is left over. `--name=value` and `name=value` set one by
/// its name.
fn assigned<'a>(command: &Command, arguments: &'a [String]) -> Result<Assigned<'a>> {
    let declared: Vec<Argument> =
        command.args.iter().filter(|argument| !argument.name.is_empty()).cloned().collect();
    let mut values: Vec<Option<String>> = vec![None; declared.len()];
    let mut rest = Vec::new();
    for argument in arguments {
        let by_name = argument.split_once('=').and_then(|(name, value)| {
            let name = name.trim_start_matches("--");
            declared.iter().position(|declared| declared.name == name).map(|at| (at, value.to_owned()))
        });
        match by_name {
            Some((at, value)) if values[at].is_none() => values[at] = Some(value),
            _ => rest.push(argument),
        }
    }
    let mut rest = rest.into_iter();
    let mut found = Vec::new();
    for (argument, value) in declared.iter().zip(values) {
        let is_used = command.run.contains(&format!("{{{}}}", argument.name));
        let value = match value {
            None if is_used => rest.next().cloned(),
            value => value,
        };
        match value.or_else(|| argument.default.clone()) {
            Some(value) => found.push((argument.name.clone(), value)),
            None if argument.required => {
                return Err(DependencyError::MissingArgument {
                    command: command.name.clone(),
                    argument: argument.name.clone(),
                });
            }
            None => found.push((argument.name.clone(), String::new())),
        }
    }
    Ok((found, rest.collect()))
}

/// Replaces every `{name}` in one pass, so that a value is never searched for names.
fn replace(line: &str, values: &[(String, String)]) -> String {
    let mut filled = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find('{') {
        filled.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let found = after
            .find('}')
            .and_then(|end| values.iter().find(|(name, _)| *name == after[..end]).map(|found| (end, found)));
        // `${NAME}` belongs to the shell.
        if let Some((end, (_, value))) = found.filter(|_| !filled.ends_with('$')) {
            if !value.is_empty() {
                filled.push_str(&quote(value));
            }
            rest = &after[end + 1..];
        } else {
            filled.push('{');
            rest = after;
        }
    }
    filled.push_str(rest);
    filled
}

/// One word for a POSIX shell.
fn quote(word: &str) -> String {
    let is_plain = !word.is_empty()
        && word.bytes().all(|b| {
            b.is_ascii_alphanumeric()
                || matches!(b, b'_' | b'-' | b'.' | b'/' | b':' | b'@' | b'%' | b'+' | b',')
        });
    if is_plain { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

fn directory(command: &Command, root: &Path) -> Result<PathBuf> {
    let directory = root.join(working_directory(command)?);
    match (directory.canonicalize(), root.canonicalize()) {
        (Ok(found), Ok(root)) if !found.starts_with(&root) => Err(outside(command)),
        _ => Ok(directory),
    }
}

/// Where a command runs, relative to its root; empty for the root itself. Links are not looked at.
///
/// Errors: [`DependencyError::WorkingDirectory`] for one that leads out of the root.
pub fn working_directory(command: &Command) -> Result<PathBuf> {
    let mut below = PathBuf::new();
    for part in Path::new(command.working_dir.as_deref().unwrap_or_default()).components() {
        match part {
            Component::Normal(part) => below.push(part),
            Component::CurDir => {}
            _ => return Err(outside(command)),
        }
    }
    Ok(below)
}

fn outside(command: &Command) -> DependencyError {
    DependencyError::WorkingDirectory {
        command: command.name.clone(),
        directory: crate::name::shown(command.working_dir.as_deref().unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str, name: &str, arguments: &[&str]) -> Result<String> {
        let text = format!("apiVersion: graft/v0\n{text}");
        let declarations = Declarations::parse("graft.yaml", &text).unwrap();
        let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        Ok(invocation(&declarations, Path::new("/w"), name, &arguments)?.steps.remove(0).line)
    }

    #[test]
    fn arguments_fill_their_places_or_follow_and_stay_words() {
        let text =
            "commands: {c: {run: 'echo {a} ${HOME} {b}', args: [a, {name: b, default: d}]}, p: {run: ls}}\n";
        assert_eq!(line(text, "c", &["x y", "z", "more"]).unwrap(), "echo 'x y' ${HOME} z more");
        assert_eq!(line(text, "c", &["b=1", "{b}"]).unwrap(), "echo '{b}' ${HOME} 1");
        assert_eq!(line(text, "c", &["x"]).unwrap(), "echo x ${HOME} d");
        assert_eq!(
            line(text, "p", &["; rm -rf /", "$(id)", "it's", ""]).unwrap(),
            r"ls '; rm -rf /' '$(id)' 'it'\''s' ''"
        );
    }

    #[test]
    fn what_is_required_must_be_given() {
        let text = "commands: {c: {run: 'echo {a}', args: [{name: a, required: true}]}}\n";
        assert!(matches!(line(text, "c", &[]), Err(DependencyError::MissingArgument { .. })));
        assert!(matches!(line(text, "gone", &[]), Err(DependencyError::UnknownCommand { .. })));
    }

    #[test]
    fn a_working_directory_stays_inside() {
        for directory in ["..", "a/../..", "/etc"] {
            let text = format!("commands: {{c: {{run: ls, working_dir: {directory}}}}}\n");
            assert!(
                matches!(line(&text, "c", &[]), Err(DependencyError::WorkingDirectory { .. })),
                "{directory}"
            );
        }
    }

    #[test]
    fn a_sequence_wins_over_a_command_of_its_name() {
        let text = "apiVersion: graft/v0\ncommands: {a: {run: one}, b: {run: two}}\nsequences: {a: [b, a]}\n";
        let declarations = Declarations::parse("graft.yaml", text).unwrap();
        let found = invocation(&declarations, Path::new("/w"), "a", &[]).unwrap();
        let names: Vec<_> = found.steps.iter().map(|step| step.name.as_str()).collect();
        assert_eq!((found.sequence.as_deref(), names), (Some("a"), vec!["b", "a"]));
    }
}
