//! Trees of a dependency: what differs, what is dirty, and how files get out of the store.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::error::GitError;
use super::repository::Store;
use crate::commit_id::CommitId;
use crate::error::Result;

/// A path that differs between two commits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Differing {
    pub(crate) path: Vec<u8>,
    /// The second commit has nothing there.
    pub(crate) deleted: bool,
    /// The first commit has nothing there.
    pub(crate) added: bool,
    /// One of the two is a submodule.
    pub(crate) is_submodule: bool,
}

impl Store {
    /// The paths that differ between two commits.
    pub(crate) fn differing(&self, from: &CommitId, to: &CommitId) -> Result<Vec<Differing>> {
        let bytes = self
            .call("diff-tree")
            .args(["-r", "--raw", "-z", "--no-renames", "--end-of-options", from.as_str(), to.as_str()])
            .run()?;
        let unexpected = || GitError::Unexpected { command: "diff-tree".to_owned() };
        let mut fields = bytes.split(|byte| *byte == 0).filter(|field| !field.is_empty());
        let mut found = Vec::new();
        while let Some(head) = fields.next() {
            let head = std::str::from_utf8(head).map_err(|_| unexpected())?;
            let path = fields.next().ok_or_else(unexpected)?.to_vec();
            let words: Vec<&str> = head.trim_start_matches(':').split(' ').collect();
            let [old, new, _, _, status] = words[..] else { return Err(unexpected().into()) };
            found.push(Differing {
                path,
                deleted: status == "D",
                added: status == "A",
                is_submodule: old == "160000" || new == "160000",
            });
        }
        Ok(found)
    }

    /// The tracked paths of the checkout in `directory` that someone changed.
    pub fn dirty(&self, directory: &Path) -> Result<Vec<Vec<u8>>> {
        let bytes = self
            .call_in(directory, "status")
            .args(["--porcelain=v1", "-z", "--untracked-files=no", "--no-renames", "--ignore-submodules=all"])
            .run()?;
        let entries = bytes.split(|byte| *byte == 0);
        Ok(entries.filter(|entry| entry.len() > 3).map(|entry| entry[3..].to_vec()).collect())
    }

    /// The paths of the checkout that git neither tracks nor ignores.
    pub fn untracked(&self, directory: &Path) -> Result<Vec<Vec<u8>>> {
        let bytes =
            self.call_in(directory, "ls-files").args(["--others", "--exclude-standard", "-z"]).run()?;
        let entries = bytes.split(|byte| *byte == 0);
        Ok(entries.filter(|entry| !entry.is_empty()).map(<[u8]>::to_vec).collect())
    }

    /// Commits of local branches and of `HEAD` that no branch and no tag of the source has.
    pub fn unpushed(&self) -> Result<u64> {
        if self.head()?.is_none() {
            return Ok(0);
        }
        let tags = format!("--glob={}", self.source_tags());
        let text = self
            .call("rev-list")
            .args(["--count", "--not", "--remotes", &tags, "--not", "--branches", "HEAD"])
            .text()?;
        text.trim().parse().map_err(|_| GitError::Unexpected { command: "rev-list".to_owned() }.into())
    }

    /// Writes an index of `commit` to the file `index`.
    pub(crate) fn read_tree(&self, commit: &CommitId, index: &Path) -> Result<()> {
        self.call("read-tree").arg(commit.as_str()).env("GIT_INDEX_FILE", index.as_os_str()).run()?;
        Ok(())
    }

    /// Whether `commit` has something at `path`.
    pub(crate) fn has_file(&self, commit: &CommitId, path: &[u8]) -> Result<bool> {
        let path = std::ffi::OsStr::from_bytes(path);
        let bytes = self
            .call("ls-tree")
            .args(["-z", "--full-tree", commit.as_str(), "--"])
            .arg(path)
            .env("GIT_LITERAL_PATHSPECS", "1")
            .run()?;
        Ok(!bytes.is_empty())
    }

    /// Writes files of the index file `index` into `directory`, which exists: those in `paths`, or all. What git filters on
    /// checkout is filtered.
    pub(crate) fn write_files(
        &self,
        index: &Path,
        directory: &Path,
        paths: Option<&[Vec<u8>]>,
    ) -> Result<()> {
        let call = self.call_in(directory, "checkout-index").arg("--force");
        let call = call.env("GIT_INDEX_FILE", index.as_os_str());
        match paths {
            None => call.arg("--all").run()?,
            Some([]) => return Ok(()),
            Some(paths) => {
                let mut input = paths.join(&0u8);
                input.push(0);
                call.args(["-z", "--stdin"]).stdin(input).run()?
            }
        };
        Ok(())
    }
}
