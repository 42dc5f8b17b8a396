//! Mistakes on the command line, and help.

use std::process::ExitCode;

use clap::error::ErrorKind;

use crate::failure::Failure;
use crate::output::{Format, Output};
use crate::style::ColorChoice;

/// Reports what the parser says: help and version on standard output, a mistake on standard error and, when a program
/// asked for it, as JSON. `as_graft`: a wrong or conflicting value is a failure, and only an unknown option wrong usage.
pub(crate) fn report(error: &clap::Error, as_graft: bool) -> ExitCode {
    let format = wanted_format(std::env::args());
    if as_graft && error.use_stderr() && error.kind() != ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        let text = error.to_string();
        let failure =
            Failure::usage(text.lines().next().unwrap_or("wrong usage").trim_start_matches("error: "));
        let failure = if is_about_a_value(error.kind()) { failure.exits(1) } else { failure };
        Output::new(format, false, ColorChoice::Auto).as_graft().failure(&failure);
        return failure.exit_code().into();
    }
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) || format == Format::Text {
        // A reader that has gone away is no error.
        drop(error.print());
        return u8::try_from(error.exit_code()).unwrap_or(2).into();
    }
    let text = error.to_string();
    let message = text.lines().next().unwrap_or("wrong usage").trim_start_matches("error: ").to_owned();
    let failure = Failure::usage(message).hint("`backstay help` and `backstay help COMMAND` tell more");
    Output::new(format, false, ColorChoice::Auto).failure(&failure);
    failure.exit_code().into()
}

/// Reports a command of `graft` that this program does not have.
pub(crate) fn not_provided(command: &str) -> ExitCode {
    let failure = Failure::usage(format!("`{}` is not provided", crate::human::one_line(command)))
        .hint("`graft --help` lists what is");
    Output::new(wanted_format(std::env::args()), false, ColorChoice::Auto).as_graft().failure(&failure);
    failure.exit_code().into()
}

fn is_about_a_value(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::InvalidValue
            | ErrorKind::ValueValidation
            | ErrorKind::ArgumentConflict
            | ErrorKind::TooManyValues
            | ErrorKind::TooFewValues
            | ErrorKind::WrongNumberOfValues
            | ErrorKind::NoEquals
            | ErrorKind::MissingRequiredArgument
    )
}

/// The format that the words of the command line ask for, as far as it can be seen without understanding them.
fn wanted_format(words: impl Iterator<Item = String>) -> Format {
    let words: Vec<String> = words.collect();
    let after = |flag: &str| words.iter().position(|word| word == flag).and_then(|at| words.get(at + 1));
    let joined = words.iter().find_map(|word| word.strip_prefix("--format="));
    match joined.or(after("--format").map(String::as_str)) {
        Some("ndjson") => Format::Ndjson,
        Some("json") => Format::Json,
        _ if words.iter().any(|word| word == "--json") => Format::Json,
        _ => Format::Text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_gets_its_mistakes_in_its_format() {
        let wanted = |line: &str| wanted_format(line.split(' ').map(str::to_owned));
        assert_eq!(wanted("backstay --json frob"), Format::Json);
        assert_eq!(wanted("backstay frob --format ndjson"), Format::Ndjson);
        assert_eq!(wanted("backstay frob --format=json"), Format::Json);
        assert_eq!(wanted("backstay frob"), Format::Text);
    }
}
