//! The name `graft`: the same program, started under that name, answers as that command line does.

use std::ffi::{OsStr, OsString};
use std::path::Path;

/// The verbs of `deps`, which are also the verbs of `graft`.
const VERBS: [&str; 14] = [
    "resolve", "fetch", "sync", "apply", "upgrade", "status", "changes", "show", "validate", "add", "remove",
    "run", "tree", "help",
];

/// Global options that take a value in the word after them.
const WITH_VALUE: [&str; 9] = [
    "-C",
    "--format",
    "--server",
    "--token-file",
    "--workspace",
    "--repository",
    "--password-file",
    "--key-file",
    "--color",
];

/// What the words of a command line mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Words {
    /// The command line of `backstay`.
    Own(Vec<OsString>),
    /// The command line of `graft`, as that of `backstay`.
    Graft(Vec<OsString>),
    /// A command of `graft` that is not provided.
    NotProvided(String),
}

/// Reads the words: `graft X` is `deps X`, `graft DEP:CMD` is `deps run DEP:CMD`.
pub(crate) fn words(words: impl Iterator<Item = OsString>) -> Words {
    let mut words: Vec<OsString> = words.collect();
    let is_graft = words.first().is_some_and(|name| Path::new(name).file_stem() == Some(OsStr::new("graft")));
    if !is_graft {
        return Words::Own(words);
    }
    let at = command_at(&words);
    match at.map(|at| words[at].to_string_lossy().into_owned()) {
        Some(word) if !VERBS.contains(&word.as_str()) && word.contains(':') => {
            let at = at.unwrap_or(1);
            words.splice(at..at, ["deps", "run"].map(OsString::from));
        }
        Some(word) if !VERBS.contains(&word.as_str()) => return Words::NotProvided(word),
        _ => {
            let only_version = words.iter().skip(1).any(|word| word == "--version" || word == "-V");
            if !only_version {
                let at = at.unwrap_or(1).min(words.len());
                words.insert(at, "deps".into());
            }
        }
    }
    Words::Graft(words)
}

/// Where the first word is that is no option and no value of one.
fn command_at(words: &[OsString]) -> Option<usize> {
    let mut at = 1;
    while at < words.len() {
        let word = words[at].to_string_lossy();
        if WITH_VALUE.contains(&word.as_ref()) {
            at += 2;
        } else if word.starts_with('-') && word.len() > 1 {
            at += 1;
        } else {
            return Some(at);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Words {
        words(line.split(' ').map(OsString::from))
    }

    fn graft(line: &str) -> Words {
        Words::Graft(line.split(' ').map(OsString::from).collect())
    }

    #[test]
    fn the_name_decides() {
        assert_eq!(read("backstay status"), Words::Own(vec!["backstay".into(), "status".into()]));
        assert_eq!(read("/usr/bin/graft status --json"), graft("/usr/bin/graft deps status --json"));
        assert_eq!(read("graft -C /w --json status kb"), graft("graft -C /w --json deps status kb"));
        assert_eq!(read("graft kb:build --fast"), graft("graft deps run kb:build --fast"));
        assert_eq!(read("graft --help"), graft("graft deps --help"));
        assert_eq!(read("graft --version"), graft("graft --version"));
        assert_eq!(read("graft init --x"), Words::NotProvided("init".into()));
    }
}
