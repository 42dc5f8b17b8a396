//! A ref as a person writes it.

use std::fmt;

use serde::Serialize;

use crate::error::{DependencyError, Result};

/// The longest ref, in bytes.
const MAX_BYTES: usize = 255;

/// A ref: a tag, a branch of `origin`, a commit id, or a full ref. What it means is decided by
/// [`crate::git::Git::resolve`].
///
/// It obeys the rules of git-check-ref-format, so it holds no `:`, `^`, `~`, `..` or blank and does not begin with `-`:
/// it is safe as a part of an argument of git and names one ref and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Reference(String);

impl Reference {
    /// Checks a ref.
    pub fn parse(text: &str) -> Result<Self> {
        let refuse =
            |reason| Err(DependencyError::InvalidRef { reference: crate::name::shown(text), reason });
        if text.is_empty() {
            return refuse("it is empty");
        }
        if text.len() > MAX_BYTES {
            return refuse("it is longer than 255 bytes");
        }
        if text.starts_with('-') {
            return refuse("it begins with `-`");
        }
        if text.chars().any(|c| c.is_control() || c.is_whitespace() || "~^:?*[\\".contains(c)) {
            return refuse("it has a blank, a control character or one of ~ ^ : ? * [ \\");
        }
        if text.contains("..") || text.contains("@{") || text == "@" {
            return refuse("it contains `..` or `@{`");
        }
        let component_is_wrong = |part: &str| {
            part.is_empty()
                || part.starts_with('.')
                || part.ends_with('.')
                || part.as_bytes().ends_with(b".lock")
        };
        if text.split('/').any(component_is_wrong) {
            return refuse("git does not allow it");
        }
        Ok(Self(text.to_owned()))
    }

    /// The ref as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refs_are_checked_as_git_does() {
        for good in ["v1", "main", "feature/x", "refs/tags/v1", "origin/main", "v1.0#2", "a@b", "é"] {
            assert!(Reference::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "-x",
            "--upload-pack=x",
            "a..b",
            "a b",
            "a\nb",
            "a:b",
            "a^{commit}",
            "a~1",
            "@",
            "@{u}",
            "/a",
            "a/",
            "a//b",
            ".a",
            "a/.b",
            "a.lock",
            "a.",
            "a\\b",
            "*",
            "../../etc/passwd",
        ] {
            assert!(Reference::parse(bad).is_err(), "{bad:?}");
        }
    }
}
