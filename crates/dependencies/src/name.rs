//! The name of a dependency.

use std::fmt;

use serde::Serialize;

use crate::error::{DependencyError, Result};

/// The longest name, in bytes.
const MAX_BYTES: usize = 100;
/// What `.graft` uses for other things.
const RESERVED: [&str; 2] = ["snapshots", "run-state"];

/// The name of a dependency: `[A-Za-z0-9][A-Za-z0-9._-]{0,99}`, without `..`, not reserved.
///
/// A value of this type is safe as one component of a path and as an argument of a command.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct DependencyName(String);

impl DependencyName {
    /// Checks a name.
    pub fn parse(text: &str) -> Result<Self> {
        let refuse = |reason| Err(DependencyError::InvalidName { name: shown(text), reason });
        if text.is_empty() {
            return refuse("it is empty");
        }
        if text.len() > MAX_BYTES {
            return refuse("it is longer than 100 characters");
        }
        if !text.starts_with(|c: char| c.is_ascii_alphanumeric()) {
            return refuse("it does not begin with a letter or a digit");
        }
        if !text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-')) {
            return refuse("it has other characters than letters, digits, `.`, `_` and `-`");
        }
        if text.contains("..") {
            return refuse("it contains `..`");
        }
        if RESERVED.iter().any(|word| word.eq_ignore_ascii_case(text)) {
            return refuse("the word is reserved");
        }
        Ok(Self(text.to_owned()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path of the checkout, relative to the root of the workspace.
    pub fn checkout(&self) -> String {
        format!(".graft/{}", self.0)
    }

    /// The form in which two names must differ.
    pub fn folded(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

/// At most 120 characters of what someone wrote, without control characters.
pub(crate) fn shown(text: &str) -> String {
    text.chars().take(120).flat_map(char::escape_debug).collect()
}

impl fmt::Display for DependencyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_names_pass() {
        for name in ["kb", "A", "9lives", "a.b-c_d", &"x".repeat(100)] {
            assert_eq!(DependencyName::parse(name).unwrap().as_str(), name);
        }
    }

    #[test]
    fn names_that_could_become_a_path_or_an_option_are_refused() {
        let long = "x".repeat(101);
        for name in [
            "",
            ".",
            "..",
            "../x",
            "a/b",
            "a\\b",
            "/etc",
            "-x",
            "--upload-pack=x",
            ".git",
            "a..b",
            "a b",
            "a\nb",
            "a\0b",
            "snapshots",
            "Run-State",
            "é",
            "a:b",
            &long,
        ] {
            assert!(DependencyName::parse(name).is_err(), "{name:?}");
        }
    }
}
