//! What is asked of, and prepared for, the repository that a workspace lies in.

use std::collections::BTreeMap;
use std::path::Path;

use super::error::GitError;
use super::repository::Superproject;
use crate::commit_id::CommitId;
use crate::error::Result;

/// What changes in an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum IndexEdit {
    /// An entry is made or replaced.
    Note {
        /// As git writes it.
        mode: String,
        /// What is there: an object, or the commit of a submodule.
        id: String,
        /// The path from the top.
        path: String,
    },
    /// The entry goes, if there is one.
    Remove {
        /// The path from the top.
        path: String,
    },
}

impl IndexEdit {
    /// The submodule at `path` is at `commit`.
    pub(crate) fn submodule(path: &str, commit: &CommitId) -> Self {
        Self::Note { mode: "160000".to_owned(), id: commit.to_string(), path: path.to_owned() }
    }

    /// The plain file at `path` has the content of the object `id`.
    pub(crate) fn file(path: &str, id: String) -> Self {
        Self::Note { mode: "100644".to_owned(), id, path: path.to_owned() }
    }

    /// The entry at `path` is `entry`, as [`Superproject::entries`] tells it.
    pub(crate) fn entry(path: &str, entry: Option<&str>) -> Self {
        let path = path.to_owned();
        match entry.and_then(|entry| entry.split_once(' ')) {
            Some((mode, id)) => Self::Note { mode: mode.to_owned(), id: id.to_owned(), path },
            None => Self::Remove { path },
        }
    }
}

impl Superproject {
    /// The commit that the index notes for the submodule at `path`.
    pub fn gitlink(&self, path: &str) -> Result<Option<CommitId>> {
        let text = self.call("ls-files").args(["--stage", "-z", "--", &self.literal(path)]).text()?;
        let entry = text.split('\0').find_map(|entry| entry.strip_prefix("160000 "));
        Ok(entry.and_then(|entry| CommitId::parse(entry.split(' ').next().unwrap_or_default())))
    }

    /// The entries of the index at `paths`, as `mode id`; `None` where there is none, or only those of an unfinished merge.
    pub(crate) fn entries(&self, paths: &[String]) -> Result<BTreeMap<String, Option<String>>> {
        let specs: Vec<String> = paths.iter().map(|path| self.literal(path)).collect();
        let text = self.call("ls-files").args(["--stage", "-z", "--"]).args(specs).text()?;
        let mut found: BTreeMap<String, Option<String>> =
            paths.iter().map(|path| (path.clone(), None)).collect();
        for (head, path) in text.split('\0').filter_map(|entry| entry.split_once('\t')) {
            if let (Some(entry), Some(slot)) = (head.strip_suffix(" 0"), found.get_mut(path)) {
                *slot = Some(entry.to_owned());
            }
        }
        Ok(found)
    }

    /// Whether the repository has the object of an entry that [`Superproject::entries`] told; commits of submodules lie elsewhere.
    pub(crate) fn has_object(&self, entry: &str) -> Result<bool> {
        let Some((mode, id)) = entry.split_once(' ') else { return Ok(false) };
        Ok(mode == "160000" || self.call("cat-file").args(["-e", id]).end()?.status.success())
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

    /// Stores `content` as an object, as git would store the file at `path`; returns its id.
    pub(crate) fn store_file(&self, path: &str, content: &[u8]) -> Result<String> {
        let call = self.call("hash-object").args(["-w", "--path", path]);
        let id = if content.is_empty() {
            call.arg("/dev/null").text()?
        } else {
            call.arg("--stdin").stdin(content).text()?
        };
        Ok(id.trim().to_owned())
    }

    /// Makes `edits` in the index file `index`. Git writes the whole file for it, once.
    pub(crate) fn edit_index(&self, index: &Path, edits: &[IndexEdit]) -> Result<()> {
        let mut call = self.call("update-index").args(["--add", "--replace"]);
        for edit in edits {
            if let IndexEdit::Note { mode, id, path } = edit {
                call = call.arg("--cacheinfo").arg(format!("{mode},{id},{path}"));
            }
        }
        let removed = edits.iter().filter_map(|edit| match edit {
            IndexEdit::Remove { path } => Some(path),
            IndexEdit::Note { .. } => None,
        });
        call.args(["--force-remove", "--"]).args(removed).env("GIT_INDEX_FILE", index.as_os_str()).run()?;
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
