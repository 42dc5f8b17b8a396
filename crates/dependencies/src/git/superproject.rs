//! What is asked of, and prepared for, the repository that a workspace lies in.

use std::path::Path;

use super::error::GitError;
use super::repository::Superproject;
use crate::commit_id::CommitId;
use crate::error::Result;

impl Superproject {
    /// The commit that the index notes for the submodule at `path`.
    pub fn gitlink(&self, path: &str) -> Result<Option<CommitId>> {
        let text = self.call("ls-files").args(["--stage", "-z", "--", &self.literal(path)]).text()?;
        let entry = text.split('\0').find_map(|entry| entry.strip_prefix("160000 "));
        Ok(entry.and_then(|entry| CommitId::parse(entry.split(' ').next().unwrap_or_default())))
    }

    /// Which of `paths` differ from the index, not counting those that git does not know.
    pub fn unstaged(&self, paths: &[&str]) -> Result<Vec<String>> {
        let specs: Vec<String> = paths.iter().map(|path| self.literal(path)).collect();
        let text = self
            .call("status")
            .args([
                "--porcelain=v1",
                "-z",
                "--untracked-files=no",
                "--no-renames",
                "--ignore-submodules=all",
                "--",
            ])
            .args(specs)
            .text()?;
        let is_unstaged = |entry: &&str| entry.len() > 3 && entry.as_bytes()[1] != b' ';
        Ok(text.split('\0').filter(is_unstaged).map(|entry| entry[3..].to_owned()).collect())
    }

    /// Every value in a configuration file.
    pub(crate) fn read_config(&self, file: &Path) -> Result<Vec<(String, String)>> {
        let text = self.call("config").arg("--file").arg(file).args(["--list", "-z"]).text()?;
        Ok(text
            .split('\0')
            .filter(|entry| !entry.is_empty())
            .map(|entry| entry.split_once('\n').unwrap_or((entry, "")))
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect())
    }

    /// Sets one value in a configuration file.
    pub(crate) fn write_config(&self, file: &Path, key: &str, value: &str) -> Result<()> {
        self.call("config").arg("--file").arg(file).args(["--replace-all", key, value]).run()?;
        Ok(())
    }

    /// Removes a section of a configuration file; returns whether there was one.
    pub(crate) fn remove_section(&self, file: &Path, section: &str) -> Result<bool> {
        if !file.exists() {
            return Ok(false);
        }
        let prefix = format!("{section}.");
        if !self.read_config(file)?.iter().any(|(key, _)| key.starts_with(&prefix)) {
            return Ok(false);
        }
        self.call("config").arg("--file").arg(file).args(["--remove-section", section]).run()?;
        Ok(true)
    }

    /// Notes `commit` for the submodule at `path` in the index file `index`.
    pub(crate) fn stage_gitlink(&self, index: &Path, path: &str, commit: &CommitId) -> Result<()> {
        self.stage_entry(index, &format!("160000,{commit},{path}"))
    }

    /// Notes `content` for the file at `path` in the index file `index`.
    pub(crate) fn stage_file(&self, index: &Path, path: &str, content: &[u8]) -> Result<()> {
        let id = if content.is_empty() {
            self.call("hash-object").args(["-w", "--path", path, "/dev/null"]).text()?
        } else {
            self.call("hash-object").args(["-w", "--path", path, "--stdin"]).stdin(content).text()?
        };
        self.stage_entry(index, &format!("100644,{},{path}", id.trim()))
    }

    fn stage_entry(&self, index: &Path, entry: &str) -> Result<()> {
        self.call("update-index")
            .args(["--add", "--replace", "--cacheinfo", entry])
            .env("GIT_INDEX_FILE", index.as_os_str())
            .run()?;
        Ok(())
    }

    /// Removes the entry at `path` from the index file `index`.
    pub(crate) fn unstage(&self, index: &Path, path: &str) -> Result<()> {
        self.call("update-index")
            .args(["--force-remove", "--", path])
            .env("GIT_INDEX_FILE", index.as_os_str())
            .run()?;
        Ok(())
    }

    /// A path as git takes it where patterns are possible.
    fn literal(&self, path: &str) -> String {
        format!(":(top,literal){}{path}", self.prefix)
    }

    /// The commit that is checked out, as part of what a plan is bound to; `None` before the first commit.
    pub fn head(&self) -> Result<Option<CommitId>> {
        let ended = self.call("rev-parse").args(["--verify", "--quiet", "HEAD^{commit}"]).end()?;
        match ended.status.code() {
            Some(0) => Ok(CommitId::parse(String::from_utf8_lossy(&ended.stdout).trim())),
            Some(1) => Ok(None),
            code => {
                Err(GitError::Failed { command: "rev-parse".to_owned(), code, message: ended.message }.into())
            }
        }
    }
}
