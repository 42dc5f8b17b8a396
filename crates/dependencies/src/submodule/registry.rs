//! `.gitmodules`: the names, paths and sources of submodules.

use std::collections::BTreeMap;
use std::path::Path;

use crate::error::{DependencyError, Result};
use crate::git::Superproject;
use crate::name::DependencyName;

/// The name of the file.
pub(super) const FILE_NAME: &str = ".gitmodules";

/// The submodules that `.gitmodules` in the work tree names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Registry {
    /// From path to name.
    names: BTreeMap<String, String>,
}

impl Registry {
    /// Reads the file; without one, nothing is registered.
    pub fn read(project: &Superproject) -> Result<Self> {
        let file = project.top.join(FILE_NAME);
        if file.symlink_metadata().is_err() {
            return Ok(Self::default());
        }
        let mut names = BTreeMap::new();
        for (key, value) in project.read_config(&file)? {
            if let Some(name) = key.strip_prefix("submodule.").and_then(|rest| rest.strip_suffix(".path")) {
                names.insert(value, name.to_owned());
            }
        }
        Ok(Self { names })
    }

    /// Whether the dependency is registered.
    pub fn has(&self, dependency: &DependencyName) -> bool {
        self.names.contains_key(&dependency.checkout())
    }

    /// The name of the dependency's submodule, which is also where its store lies below `.git/modules`.
    ///
    /// Errors: a name that would lead out of that directory. Anyone can write such a name into `.gitmodules`.
    pub fn module_of(&self, dependency: &DependencyName) -> Result<String> {
        let Some(name) = self.names.get(&dependency.checkout()) else { return Ok(dependency.checkout()) };
        let plain = Path::new(name).components().all(|part| matches!(part, std::path::Component::Normal(_)));
        if name.is_empty() || !plain || name.chars().any(char::is_control) {
            return Err(DependencyError::Malformed {
                file: FILE_NAME.to_owned(),
                line: 1,
                problem: format!("`{}` cannot name a submodule", crate::name::shown(name)),
            });
        }
        Ok(name.clone())
    }
}
