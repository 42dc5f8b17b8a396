//! Declared commands: what there is, what a call comes to, and how it ended.

use serde::{Deserialize, Serialize};

pub use backstay_dependencies::run::{
    Catalogue as CommandList, Invocation as CommandPlan, Listed as DeclaredCommand,
};

/// A declared command or sequence that is to run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewCommandRun {
    /// The dependency whose command it is; `None` for one of the workspace.
    #[serde(default)]
    pub dependency: Option<String>,
    /// Its name.
    pub command: String,
    /// What fills its places, or follows its line.
    #[serde(default)]
    pub arguments: Vec<String>,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandReport {
    /// The sequence, when it was one.
    pub sequence: Option<String>,
    /// The commands that ran.
    pub steps: Vec<RanCommand>,
    /// The exit code of the last one.
    pub exit_code: u8,
}

/// A command that ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RanCommand {
    /// Its name.
    pub name: String,
    /// Its exit code; 128 and the signal for one that a signal ended, 124 for one that was over its limit.
    pub exit_code: u8,
}
