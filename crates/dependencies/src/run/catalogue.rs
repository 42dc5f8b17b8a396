//! Which commands and sequences there are.

use serde::Serialize;

use crate::declarations::Declarations;
use crate::error::Result;
use crate::name::DependencyName;
use crate::workspace::Workspace;

/// The commands and sequences of a workspace or of one dependency.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Catalogue {
    /// The commands, in the order of the file.
    pub commands: Vec<Listed>,
    /// The sequences, in the order of the file.
    pub sequences: Vec<Listed>,
}

/// A command or a sequence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// What it does.
    pub description: Option<String>,
    /// The group it belongs to.
    pub category: Option<String>,
    /// How it is called.
    pub example: Option<String>,
}

/// What `declarations` offers.
pub fn catalogue(declarations: &Declarations) -> Catalogue {
    Catalogue {
        commands: declarations
            .commands
            .iter()
            .map(|command| Listed {
                name: command.name.clone(),
                description: command.description.clone(),
                category: command.category.clone(),
                example: command.example.clone(),
            })
            .collect(),
        sequences: declarations
            .sequences
            .iter()
            .map(|sequence| Listed {
                name: sequence.name.clone(),
                description: sequence.description.clone(),
                category: sequence.category.clone(),
                example: None,
            })
            .collect(),
    }
}

impl Workspace {
    /// The declarations whose commands are meant: of a dependency as it is checked out, else of the workspace.
    pub fn declarations_of(&self, dependency: Option<&DependencyName>) -> Result<Declarations> {
        let Some(name) = dependency else { return Ok(self.declarations()?.0) };
        let inner = Self::new(&self.checkout(name), self.git().clone());
        if inner.root().symlink_metadata().is_err() {
            self.required_store(name)?;
        }
        let file = format!("{}/graft.yaml", name.checkout());
        Declarations::parse(&file, &inner.required_yaml()?)
    }
}
