//! The variables that a command is given beside its own.

use std::path::{Path, PathBuf};

use super::state::StateDirectory;
use crate::declarations::Declarations;
use crate::name::DependencyName;

/// Whose command it is, and where.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// The root of the workspace.
    pub consumer_root: PathBuf,
    /// The dependency whose command it is.
    pub dependency: Option<DependencyName>,
}

/// `GRAFT_STATE_DIR`, `GRAFT_STATE_<NAME>` for every declared and written state, `GRAFT_DEP_DIR`, `CONSUMER_ROOT`,
/// `DEP_ROOT`.
///
/// The variable of a state holds its content; it is absent as long as nobody wrote it.
pub fn environment(surroundings: &Surroundings, declarations: &Declarations) -> Vec<(String, String)> {
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let root = &surroundings.consumer_root;
    let states = StateDirectory::of(root);
    let own = match &surroundings.dependency {
        Some(name) => root.join(name.checkout()),
        None => root.clone(),
    };
    let mut variables = vec![
        ("GRAFT_STATE_DIR".to_owned(), text(states.path())),
        ("GRAFT_DEP_DIR".to_owned(), text(&root.join(".graft"))),
        ("CONSUMER_ROOT".to_owned(), text(root)),
        ("DEP_ROOT".to_owned(), text(&own)),
    ];
    let mut names: Vec<&str> = declarations.state.iter().map(|state| state.name.as_str()).collect();
    for command in &declarations.commands {
        names.extend(command.reads.iter().chain(&command.writes).map(String::as_str));
    }
    names.sort_unstable();
    names.dedup();
    for name in names {
        if let Some(value) = states.value(name) {
            variables.push((format!("GRAFT_STATE_{}", variable(name)), value));
        }
    }
    variables
}

fn variable(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect()
}
