//! The environment of a command.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

/// Variables by which secrets reach our own program. No command gets them from us, unless they are set for it by name.
pub const SECRETS: &[&str] = &["BACKSTAY_PASSWORD", "BACKSTAY_TOKEN", "BACKSTAY_DATABASE"];

/// The variables of a command: inherited or none, then some removed, then some set.
///
/// What is inherited never includes [`SECRETS`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    inherited: bool,
    changes: BTreeMap<OsString, Option<OsString>>,
}

impl Environment {
    /// The variables of the calling program without its secrets.
    pub fn inherited() -> Self {
        Self { inherited: true, ..Self::default() }
    }

    /// No variables.
    pub fn empty() -> Self {
        Self::default()
    }

    /// Sets a variable.
    #[must_use]
    pub fn set(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.changes.insert(name.into(), Some(value.into()));
        self
    }

    /// Removes a variable.
    #[must_use]
    pub fn remove(mut self, name: impl Into<OsString>) -> Self {
        self.changes.insert(name.into(), None);
        self
    }

    /// The variables, given those of the calling program.
    pub(crate) fn resolve(
        &self,
        ours: impl Iterator<Item = (OsString, OsString)>,
    ) -> Vec<(OsString, OsString)> {
        let mut variables: BTreeMap<OsString, OsString> = if self.inherited {
            ours.filter(|(name, _)| !SECRETS.iter().any(|secret| OsStr::new(secret) == name)).collect()
        } else {
            BTreeMap::new()
        };
        for (name, value) in &self.changes {
            match value {
                Some(value) => variables.insert(name.clone(), value.clone()),
                None => variables.remove(name),
            };
        }
        variables.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(environment: &Environment) -> Vec<String> {
        let ours = [("PATH", "/bin"), ("BACKSTAY_TOKEN", "t"), ("BACKSTAY_PASSWORD", "p"), ("HOME", "/h")];
        let ours = ours.into_iter().map(|(name, value)| (name.into(), value.into()));
        let resolved = environment.resolve(ours);
        resolved.iter().map(|(name, value)| format!("{}={}", name.display(), value.display())).collect()
    }

    #[test]
    fn secrets_are_not_inherited() {
        assert_eq!(resolve(&Environment::inherited()), ["HOME=/h", "PATH=/bin"]);
    }

    #[test]
    fn changes_come_last() {
        let environment = Environment::inherited().remove("HOME").set("A", "1").set("PATH", "/x");
        assert_eq!(resolve(&environment), ["A=1", "PATH=/x"]);
        assert_eq!(resolve(&Environment::empty().set("A", "1")), ["A=1"]);
    }
}
