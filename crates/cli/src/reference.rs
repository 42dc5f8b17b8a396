//! The command reference in Markdown, made from the command line's own definition.

use std::fmt::Write;

use clap::{Arg, Command, CommandFactory};

use crate::args::Cli;

/// One page per top-level command and an index, as file name and text.
pub(crate) fn pages() -> Vec<(String, String)> {
    let mut root = Cli::command();
    root.build();
    let mut index =
        String::from("# Command reference\n\nGenerated from the command line's definition; do not edit.\n\n");
    let about = |command: &Command| command.get_about().map(ToString::to_string).unwrap_or_default();
    let mut pages = Vec::new();
    for command in root.get_subcommands().filter(|command| shown(command)) {
        let name = command.get_name();
        // Writing to a string cannot fail.
        let _ = writeln!(index, "- [`backstay {name}`]({name}.md): {}", about(command));
        let mut page = String::new();
        section(&mut page, command, &format!("backstay {name}"), 1);
        pages.push((format!("{name}.md"), page));
    }
    index.push_str("\n## Global options\n\nEvery command takes these.\n\n");
    for option in root.get_arguments().filter(|arg| arg.is_global_set()) {
        argument(&mut index, option);
    }
    if let Some(text) = root.get_after_long_help() {
        let _ = writeln!(index, "\n```text\n{text}\n```");
    }
    pages.push(("README.md".to_owned(), index));
    pages
}

fn shown(command: &Command) -> bool {
    !command.is_hide_set() && command.get_name() != "help"
}

fn section(page: &mut String, command: &Command, path: &str, depth: usize) {
    let heading = "#".repeat(depth);
    let _ = writeln!(page, "{heading} {path}\n");
    if let Some(about) = command.get_long_about().or(command.get_about()) {
        let _ = writeln!(page, "{about}\n");
    }
    let usage = command.clone().render_usage().to_string();
    let usage: Vec<_> = usage.trim_start_matches("Usage:").lines().map(str::trim).collect();
    let _ = writeln!(page, "```text\n{}\n```\n", usage.join("\n"));
    let own: Vec<_> = command
        .get_arguments()
        .filter(|arg| {
            !arg.is_global_set() && !arg.is_hide_set() && !matches!(arg.get_id().as_str(), "help" | "version")
        })
        .collect();
    for arg in &own {
        argument(page, arg);
    }
    if !own.is_empty() {
        page.push('\n');
    }
    if let Some(text) = command.get_after_long_help() {
        let _ = writeln!(page, "```text\n{text}\n```\n");
    }
    for inner in command.get_subcommands().filter(|inner| shown(inner)) {
        section(page, inner, &format!("{path} {}", inner.get_name()), depth + 1);
    }
    while page.ends_with("\n\n") {
        page.pop();
    }
    if depth > 1 {
        page.push('\n');
    }
}

fn argument(page: &mut String, arg: &Arg) {
    let values: Vec<_> = arg
        .get_value_names()
        .unwrap_or_default()
        .iter()
        .filter(|_| arg.is_positional() || arg.get_action().takes_values())
        .map(|name| if arg.is_positional() { format!("[{name}]") } else { format!("<{name}>") })
        .collect();
    let mut names: Vec<_> = arg.get_short().map(|short| format!("-{short}")).into_iter().collect();
    names.extend(arg.get_long().map(|long| format!("--{long}")));
    let mut signature = names.join(", ");
    if !values.is_empty() {
        let space = if signature.is_empty() { "" } else { " " };
        let _ = write!(signature, "{space}{}", values.join(" "));
    }
    let _ = write!(page, "- `{signature}`");
    if let Some(help) = arg.get_help() {
        let _ = write!(page, ": {help}");
    }
    let defaults: Vec<_> =
        arg.get_default_values().iter().map(|value| value.to_string_lossy().into_owned()).collect();
    if !defaults.is_empty() && arg.get_action().takes_values() {
        let _ = write!(page, " (default `{}`)", defaults.join(" "));
    }
    let choices: Vec<_> = arg
        .get_possible_values()
        .iter()
        .filter(|value| !value.is_hide_set())
        .map(|value| value.get_name().to_owned())
        .collect();
    if !choices.is_empty() && arg.get_action().takes_values() {
        let _ = write!(page, "; one of `{}`", choices.join("`, `"));
    }
    if let Some(variable) = arg.get_env() {
        let _ = write!(page, "; environment `{}`", variable.to_string_lossy());
    }
    page.push('\n');
}
