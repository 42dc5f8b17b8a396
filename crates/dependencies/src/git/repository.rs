//! Repositories on disk: the one of the workspace, and the store of a dependency.

use std::path::{Path, PathBuf};

use super::call::{Call, Git};
use super::error::GitError;
use crate::error::{DependencyError, Result};

/// The repository that a workspace lies in.
#[derive(Debug, Clone)]
pub struct Superproject {
    pub(super) git: Git,
    /// The top of the work tree.
    pub top: PathBuf,
    /// The root of the workspace relative to the top, with a `/` at its end; empty at the top itself.
    pub prefix: String,
    /// The git directory of this work tree.
    pub git_dir: PathBuf,
    /// The git directory that all work trees share: it holds `config`.
    pub common_dir: PathBuf,
}

impl Superproject {
    /// The repository that `root` lies in.
    ///
    /// Errors: [`GitError::NoRepository`] when there is none.
    pub fn find(git: &Git, root: &Path) -> Result<Self> {
        let ended = git
            .call(root, "rev-parse")
            .args([
                "--path-format=absolute",
                "--show-toplevel",
                "--git-dir",
                "--git-common-dir",
                "--show-prefix",
            ])
            .end()?;
        if !ended.status.success() {
            if ended.message.contains("not a git repository") || ended.message.contains("work tree") {
                return Err(GitError::NoRepository { directory: root.to_path_buf() }.into());
            }
            let (command, code) = ("rev-parse".to_owned(), ended.status.code());
            return Err(GitError::Failed { command, code, message: ended.message }.into());
        }
        let text = String::from_utf8(ended.stdout)
            .map_err(|_| GitError::Unexpected { command: "rev-parse".to_owned() })?;
        let lines: Vec<&str> = text.split('\n').collect();
        let [top, git_dir, common_dir, prefix, ..] = lines[..] else {
            return Err(GitError::Unexpected { command: "rev-parse".to_owned() }.into());
        };
        Ok(Self {
            git: git.clone(),
            top: top.into(),
            prefix: prefix.to_owned(),
            git_dir: git_dir.into(),
            common_dir: common_dir.into(),
        })
    }

    /// The index file.
    pub fn index(&self) -> PathBuf {
        self.git_dir.join("index")
    }

    /// The configuration file.
    pub fn config(&self) -> PathBuf {
        self.common_dir.join("config")
    }

    /// Where git keeps the stores of submodules.
    pub fn modules(&self) -> PathBuf {
        self.git_dir.join("modules")
    }

    /// A call in the work tree.
    pub(super) fn call(&self, name: &str) -> Call<'_> {
        self.git.call(&self.top, name)
    }
}

/// The git directory of a dependency, with or without a checkout.
#[derive(Debug, Clone)]
pub struct Store {
    pub(super) git: Git,
    /// The git directory.
    pub git_dir: PathBuf,
}

impl Store {
    /// The store at `git_dir`; `None` when there is none.
    pub fn at(git: &Git, git_dir: &Path) -> Option<Self> {
        let is_one = git_dir.join("HEAD").symlink_metadata().is_ok() && git_dir.join("objects").is_dir();
        is_one.then(|| Self { git: git.clone(), git_dir: git_dir.to_path_buf() })
    }

    /// The store of the checkout in `directory`; `None` when `directory` is no checkout.
    ///
    /// A `.git` file is followed as git does. A directory inside another work tree is not mistaken for a checkout of it.
    pub fn of_checkout(git: &Git, directory: &Path) -> Result<Option<Self>> {
        let dot_git = directory.join(".git");
        let found = match std::fs::symlink_metadata(&dot_git) {
            Ok(found) => found,
            Err(error)
                if matches!(
                    error.kind(),
                    std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
                ) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(DependencyError::io("inspect", &dot_git, error)),
        };
        if found.is_dir() {
            return Ok(Self::at(git, &dot_git));
        }
        if !found.is_file() || found.len() > 8192 {
            return Ok(None);
        }
        let text = std::fs::read_to_string(&dot_git)
            .map_err(|error| DependencyError::io("read", &dot_git, error))?;
        let Some(target) = text.strip_prefix("gitdir:").map(str::trim) else { return Ok(None) };
        let git_dir = directory.join(target);
        let Ok(git_dir) = git_dir.canonicalize() else { return Ok(None) };
        Ok(Self::at(git, &git_dir))
    }

    /// A call in the store. Git is told a work tree that is there: the configured one may not be.
    pub(super) fn call(&self, name: &str) -> Call<'_> {
        self.call_with(&self.git_dir, name)
    }

    /// A call with `work_tree` as its work tree.
    pub(super) fn call_in(&self, work_tree: &Path, name: &str) -> Call<'_> {
        self.call_with(work_tree, name)
    }

    fn call_with(&self, work_tree: &Path, name: &str) -> Call<'_> {
        let option = |name: &str, value: &Path| {
            let mut option = std::ffi::OsString::from(name);
            option.push(value);
            option
        };
        self.git
            .call(work_tree, name)
            .before(option("--git-dir=", &self.git_dir))
            .before(option("--work-tree=", work_tree))
    }
}
