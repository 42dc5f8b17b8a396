//! What this crate reports when it does not succeed.

use std::path::PathBuf;

use backstay_model::ErrorKind;

use crate::git::GitError;

/// The result of this crate's functions.
pub type Result<T, E = DependencyError> = std::result::Result<T, E>;

/// Why something about dependencies did not succeed. No message holds a credential.
#[derive(Debug, thiserror::Error)]
pub enum DependencyError {
    /// The name of a dependency is not acceptable.
    #[error("`{name}` cannot name a dependency: {reason}")]
    InvalidName {
        /// The name.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The source of a dependency is not acceptable.
    #[error("`{url}` cannot be the source of a dependency: {reason}")]
    InvalidUrl {
        /// The source, without credentials.
        url: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A ref is not acceptable.
    #[error("`{reference}` cannot be a ref: {reason}")]
    InvalidRef {
        /// The ref.
        reference: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A file is not what it should be.
    #[error("{file}:{line}: {problem}")]
    Malformed {
        /// The file, for example `graft.yaml`.
        file: String,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong there.
        problem: String,
    },
    /// `graft.lock` has a version that this program does not know.
    #[error("graft.lock has the version `{version}`, which this program cannot read")]
    LockVersion {
        /// The version it says it has.
        version: String,
    },
    /// There is no such file.
    #[error("{file} not found in {}", directory.display())]
    FileNotFound {
        /// `graft.yaml` or `graft.lock`.
        file: &'static str,
        /// Where it was looked for.
        directory: PathBuf,
    },
    /// There is no `graft.lock`.
    #[error("Lock file not found")]
    LockNotFound,
    /// No command and no sequence has this name.
    #[error("no command and no sequence named `{name}`")]
    UnknownCommand {
        /// The name.
        name: String,
    },
    /// A command was not given what it needs.
    #[error("command `{command}` needs the argument `{argument}`")]
    MissingArgument {
        /// The command.
        command: String,
        /// The argument.
        argument: String,
    },
    /// A command would run outside of its directory.
    #[error("the working directory `{directory}` of command `{command}` lies outside of its root")]
    WorkingDirectory {
        /// The command.
        command: String,
        /// The directory.
        directory: String,
    },
    /// A file cannot be read.
    #[error("cannot {operation} {}", path.display())]
    Io {
        /// What was tried, for example `read`.
        operation: &'static str,
        /// The path.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// `graft.yaml` is written in a way that an edit cannot keep.
    #[error("graft.yaml cannot be edited here: {reason}")]
    CannotEdit {
        /// Why.
        reason: &'static str,
    },
    /// No dependency has this name.
    #[error("no dependency named `{name}`")]
    UnknownDependency {
        /// The name.
        name: String,
    },
    /// A dependency has this name already.
    #[error("dependency `{name}` exists already")]
    DuplicateDependency {
        /// The name.
        name: String,
    },
    /// A ref names nothing in the dependency.
    #[error("ref `{reference}` not found in `{dependency}`")]
    RefNotFound {
        /// The dependency.
        dependency: String,
        /// The ref.
        reference: String,
    },
    /// A ref names a tag and a branch, and they differ.
    #[error("ambiguous ref `{reference}` in `{dependency}`: {first} and {second} are different commits")]
    AmbiguousRef {
        /// The dependency.
        dependency: String,
        /// The ref.
        reference: String,
        /// One meaning.
        first: String,
        /// The other.
        second: String,
    },
    /// A ref has no declaration.
    #[error("Change not found: {reference}")]
    ChangeNotFound {
        /// The ref.
        reference: String,
    },
    /// A change names a command that is not declared.
    #[error("change `{change}` names the command `{command}`, which is not declared")]
    CommandNotFound {
        /// The change.
        change: String,
        /// The command.
        command: String,
    },
    /// The dependency was never cloned here.
    #[error("`{name}` is not cloned")]
    NotCloned {
        /// The dependency.
        name: String,
    },
    /// The workspace is not the top of a repository of its own.
    #[error("dependencies can be changed only at the top of a git repository, here {}", top.display())]
    NotTopOfRepository {
        /// The top of the work tree that the workspace lies in.
        top: PathBuf,
    },
    /// The directory of a dependency is a clone and no submodule.
    #[error("Legacy clone detected: .graft/{name} is a clone of its own and no git submodule")]
    LegacyClone {
        /// The dependency.
        name: String,
    },
    /// Something that is no checkout is where a checkout belongs.
    #[error(".graft/{name} is in the way: it is not empty and no checkout")]
    InTheWay {
        /// The dependency.
        name: String,
    },
    /// Files of a checkout were changed by someone.
    #[error("the checkout of `{name}` has changes that would be lost: {}", paths.join(", "))]
    Dirty {
        /// The dependency.
        name: String,
        /// Some of the paths.
        paths: Vec<String>,
    },
    /// Commits of a checkout exist here alone.
    #[error("the checkout of `{name}` has {commits} commits that exist nowhere else")]
    Unpushed {
        /// The dependency.
        name: String,
        /// How many.
        commits: u64,
    },
    /// The lock is ahead of `graft.yaml`.
    #[error("graft.lock is ahead of graft.yaml: `{name}` is locked at {locked}, graft.yaml says {declared}")]
    LockAhead {
        /// The dependency.
        name: String,
        /// The locked ref.
        locked: String,
        /// The declared ref.
        declared: String,
    },
    /// A locked commit is nowhere to be had.
    #[error("commit {commit} of `{name}` is not here and its source does not have it")]
    CommitNotFound {
        /// The dependency.
        name: String,
        /// The commit.
        commit: String,
    },
    /// The git command did not succeed.
    #[error(transparent)]
    Git(#[from] GitError),
}

impl DependencyError {
    /// What kind of failure it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::InvalidName { .. }
            | Self::InvalidUrl { .. }
            | Self::InvalidRef { .. }
            | Self::MissingArgument { .. }
            | Self::WorkingDirectory { .. } => ErrorKind::Invalid,
            Self::FileNotFound { .. }
            | Self::UnknownDependency { .. }
            | Self::RefNotFound { .. }
            | Self::ChangeNotFound { .. }
            | Self::CommandNotFound { .. }
            | Self::NotCloned { .. }
            | Self::LockNotFound
            | Self::UnknownCommand { .. }
            | Self::CommitNotFound { .. } => ErrorKind::NotFound,
            Self::Malformed { .. }
            | Self::LockVersion { .. }
            | Self::CannotEdit { .. }
            | Self::DuplicateDependency { .. }
            | Self::AmbiguousRef { .. }
            | Self::NotTopOfRepository { .. }
            | Self::LegacyClone { .. }
            | Self::InTheWay { .. }
            | Self::Dirty { .. }
            | Self::Unpushed { .. }
            | Self::LockAhead { .. } => ErrorKind::Conflict,
            Self::Io { source, .. } => match source.kind() {
                std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => ErrorKind::StorageFull,
                std::io::ErrorKind::NotFound => ErrorKind::NotFound,
                _ => ErrorKind::Internal,
            },
            Self::Git(error) => error.kind(),
        }
    }

    /// What to do next.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::InvalidName { .. } => {
                "a name has 1 to 100 of A-Z a-z 0-9 . _ - and begins with a letter or digit"
            }
            Self::InvalidUrl { .. } => {
                "use an ssh, https, http, file or git URL, the user@host:path form, or a path"
            }
            Self::LockVersion { .. } => "use a newer version of this program; the file was left alone",
            Self::CannotEdit { .. } => "edit the file by hand",
            Self::AmbiguousRef { .. } => "write the ref in full: refs/tags/NAME or refs/remotes/origin/NAME",
            Self::ChangeNotFound { .. } => {
                "`deps changes` lists the declared changes; --allow-undeclared takes any ref"
            }
            Self::RefNotFound { .. } => "`deps fetch` brings new refs; local branches are never used",
            Self::LockNotFound => "`deps resolve` writes it",
            Self::UnknownCommand { .. } => "`deps run` lists what there is",
            Self::NotCloned { .. } => {
                "`deps sync` clones what graft.lock names, `deps resolve` what graft.yaml names"
            }
            Self::NotTopOfRepository { .. } => {
                "put graft.yaml at the top of a repository that is no linked work tree"
            }
            Self::LegacyClone { .. } => {
                "move the directory away, then `deps resolve` makes a submodule of it"
            }
            Self::InTheWay { .. } => "move the directory away",
            Self::Dirty { .. } => "commit or discard them in the checkout; --force overwrites them",
            Self::Unpushed { .. } => "push them; --force removes them",
            Self::LockAhead { .. } => {
                "bring graft.yaml up to date, or go back to what it says with --force-yaml"
            }
            Self::Git(error) => return error.hint(),
            _ => return None,
        })
    }

    pub(crate) fn io(operation: &'static str, path: &std::path::Path, source: std::io::Error) -> Self {
        Self::Io { operation, path: path.to_path_buf(), source }
    }
}
