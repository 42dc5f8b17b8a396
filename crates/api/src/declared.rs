//! What the files of a workspace and of its dependencies say: one change, the lock, whether all is right, the commands.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Which declared change to show.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ShownChangeQuery {
    /// The ref of the change.
    #[serde(rename = "ref")]
    #[param(min_length = 1, max_length = 255)]
    pub reference: String,
}

/// A declared change of a dependency and its commands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ShownChange {
    /// The dependency.
    pub dependency: String,
    /// The ref that it arrives at.
    #[serde(rename = "ref")]
    pub reference: String,
    /// What kind it is, for example `breaking`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// One sentence.
    pub description: Option<String>,
    /// The command that moves a workspace to it.
    pub migration: Option<ChangeCommand>,
    /// The command that checks a workspace at it.
    pub verify: Option<ChangeCommand>,
}

/// A command of a declared change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChangeCommand {
    /// Its name.
    pub name: String,
    /// The line for the shell.
    pub command: String,
    /// What it does.
    pub description: Option<String>,
    /// Where it runs.
    pub working_dir: Option<String>,
}

/// Every locked dependency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DependencyTree {
    /// From a to z.
    pub dependencies: Vec<LockedDependency>,
    /// How many there are.
    pub total: u64,
}

/// A locked dependency and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LockedDependency {
    /// Its name.
    pub name: String,
    /// The locked ref.
    #[serde(rename = "ref")]
    pub reference: String,
    /// The locked commit.
    pub commit: String,
    /// Where it comes from, without credentials.
    pub source: String,
}

/// What is looked at. Without any of the first three, all of them are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct ValidationQuery {
    /// `graft.yaml`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config: Option<bool>,
    /// `graft.lock`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lock: Option<bool>,
    /// The checkouts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub integrity: Option<bool>,
    /// Also whether every change that the workspace declares names a ref of its repository.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refs: Option<bool>,
}

/// Whether the files are right, and whether the checkouts are what the lock says. A part that was not looked at is null.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DependencyValidation {
    /// `graft.yaml`
    pub config: Option<FileValidation>,
    /// `graft.lock`
    pub lock: Option<FileValidation>,
    /// The checkouts.
    pub integrity: Option<CheckoutIntegrity>,
    /// Whether all of it is right.
    pub overall: bool,
}

/// What was found in a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FileValidation {
    /// Whether there is no error.
    pub valid: bool,
    /// What has to be mended.
    pub errors: Vec<String>,
    /// What should be looked at.
    pub warnings: Vec<String>,
}

/// What was found in the checkouts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CheckoutIntegrity {
    /// Whether each is at its locked commit.
    pub valid: bool,
    /// By dependency.
    pub results: Vec<IntegrityResult>,
}

/// What was found in one checkout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IntegrityResult {
    /// The dependency.
    pub name: String,
    /// Whether it is at its locked commit and unchanged.
    pub valid: bool,
    /// The locked commit.
    pub expected_commit: Option<String>,
    /// The commit it is at.
    pub actual_commit: Option<String>,
    /// What is wrong, or that nothing is.
    pub message: String,
}

/// Whose commands to list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct CommandsQuery {
    /// The dependency; without it, those of the workspace.
    #[param(min_length = 1, max_length = 100)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dependency: Option<String>,
}

/// The commands and sequences that a workspace or a dependency declares, in the order of the file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CommandList {
    /// The commands.
    pub commands: Vec<DeclaredCommand>,
    /// The sequences.
    pub sequences: Vec<DeclaredCommand>,
}

/// A declared command or sequence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeclaredCommand {
    /// Its name.
    pub name: String,
    /// What it does.
    pub description: Option<String>,
    /// The group it belongs to.
    pub category: Option<String>,
    /// How it is called.
    pub example: Option<String>,
}

/// A declared command or sequence that is to run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCommandRun {
    /// The dependency whose command it is; null for one of the workspace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 100)]
    pub dependency: Option<String>,
    /// The name of the command or sequence; a sequence comes first.
    #[schema(min_length = 1, max_length = 100)]
    pub command: String,
    /// What fills its places, or follows its line. Each stays one word.
    #[serde(default)]
    #[schema(max_items = 1000)]
    pub arguments: Vec<String>,
}

/// What would run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CommandPlan {
    /// The sequence, when it is one.
    pub sequence: Option<String>,
    /// One after the other, until one fails.
    pub steps: Vec<PlannedCommand>,
}

/// A command with its arguments filled in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlannedCommand {
    /// Its name.
    pub name: String,
    /// The line for the shell.
    pub line: String,
    /// Where it runs.
    pub directory: String,
    /// Its time limit in seconds; null or 0 is none.
    pub timeout_s: Option<u64>,
}
