//! `deps show`: one declared change.

use serde::Serialize;

use super::changes::of_checkout;
use crate::declarations::{Change, Declarations};
use crate::error::{DependencyError, Result};
use crate::name::DependencyName;
use crate::plan;
use crate::reference::Reference;
use crate::workspace::Workspace;

/// A change and its commands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shown {
    /// The dependency.
    pub dependency: DependencyName,
    /// The ref.
    #[serde(rename = "ref")]
    pub reference: Reference,
    /// What kind of change it is.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// One sentence.
    pub description: Option<String>,
    /// The command that moves a workspace to it.
    pub migration: Option<CommandDetail>,
    /// The command that checks a workspace at it.
    pub verify: Option<CommandDetail>,
}

/// A command of a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CommandDetail {
    /// Its name.
    pub name: String,
    /// The line for the shell.
    pub command: String,
    /// What it does.
    pub description: Option<String>,
    /// Where it runs.
    pub working_dir: Option<String>,
}

/// The change `reference` of `name`: as declared at that ref, else at the newest known commit, else in the checkout.
///
/// Errors: [`DependencyError::ChangeNotFound`] when none of them declares it.
pub fn show(workspace: &Workspace, name: &DependencyName, reference: &Reference) -> Result<Shown> {
    let store = workspace.required_store(name)?;
    let at_ref = match store.resolve(name, reference) {
        Ok(commit) => store.declarations_at(&commit)?,
        Err(DependencyError::RefNotFound { .. }) => None,
        Err(error) => return Err(error),
    };
    let newest = match plan::newest_commit(&store, name)? {
        Some(commit) => store.declarations_at(&commit)?,
        None => None,
    };
    let places = [at_ref, newest, Some(of_checkout(workspace, &store, name)?)];
    for declarations in places.into_iter().flatten() {
        if let Some(change) = declarations.change(reference) {
            return shown(name, &declarations, change);
        }
    }
    Err(DependencyError::ChangeNotFound { reference: reference.to_string() })
}

fn shown(name: &DependencyName, declarations: &Declarations, change: &Change) -> Result<Shown> {
    let detail = |command: &Option<String>| -> Result<Option<CommandDetail>> {
        let Some(command) = command else { return Ok(None) };
        let found = declarations.command(command).ok_or_else(|| DependencyError::CommandNotFound {
            change: change.reference.to_string(),
            command: command.clone(),
        })?;
        Ok(Some(CommandDetail {
            name: found.name.clone(),
            command: found.run.clone(),
            description: found.description.clone(),
            working_dir: found.working_dir.clone(),
        }))
    };
    Ok(Shown {
        dependency: name.clone(),
        reference: change.reference.clone(),
        kind: change.kind.clone(),
        description: change.description.clone(),
        migration: detail(&change.migration)?,
        verify: detail(&change.verify)?,
    })
}
