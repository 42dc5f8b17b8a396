//! Brings commits from elsewhere.

use std::path::Path;

use super::call::Git;
use super::error::GitError;
use super::repository::Store;
use crate::commit_id::CommitId;
use crate::error::Result;
use crate::url::SourceUrl;

/// What is fetched: every branch and every tag, each as it is there now. Tags of the source have a place of their own, because
/// `refs/tags` also has those that someone made here.
const EVERYTHING: [&str; 2] = ["+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/backstay/tags/*"];

impl Store {
    /// Fetches every branch and tag of `source`. What moved there moves here; what is gone there means nothing here any more.
    ///
    /// In `refs/tags` the tags of the source are added and moved and none is removed. The checkout is not touched. `root` is what a relative path starts from.
    pub fn fetch(&self, source: &SourceUrl, root: &Path) -> Result<()> {
        self.call("fetch")
            .transfer()
            .args(["--prune", "--force", "--tags", "--no-recurse-submodules"])
            .args(["--no-write-fetch-head", "--no-auto-maintenance", "--"])
            .source(source, root)
            .args(EVERYTHING)
            .run()?;
        self.note_source_tags()
    }

    /// Fetches one commit by its id, for one that no branch and no tag of `source` has any more. Not every server allows it.
    pub fn fetch_commit(&self, source: &SourceUrl, root: &Path, commit: &CommitId) -> Result<()> {
        self.call("fetch")
            .transfer()
            .args(["--no-tags", "--no-recurse-submodules", "--no-write-fetch-head"])
            .args(["--no-auto-maintenance", "--"])
            .source(source, root)
            .arg(commit.as_str())
            .run()?;
        Ok(())
    }

    /// Makes a store in `git_dir`, which must not exist, with everything that `source` has. There is no checkout yet.
    ///
    /// After an error, `git_dir` may hold a part; it is for the caller to remove.
    pub fn clone_into(git: &Git, source: &SourceUrl, root: &Path, git_dir: &Path) -> Result<Self> {
        git.call(root, "clone")
            .transfer()
            .args(["--bare", "--template=", "--"])
            .source(source, root)
            .arg(git_dir)
            .run()?;
        let store =
            Self::at(git, git_dir).ok_or_else(|| GitError::Unexpected { command: "clone".to_owned() })?;
        store.become_store(source, root)?;
        Ok(store)
    }

    /// Turns a bare clone into the store of a checkout: branches belong to `origin`, there are no local ones.
    fn become_store(&self, source: &SourceUrl, root: &Path) -> Result<()> {
        let branch = self.call("symbolic-ref").args(["--quiet", "HEAD"]).end()?;
        let branch = String::from_utf8_lossy(&branch.stdout).trim().to_owned();
        let moves = "create refs/remotes/origin/%(refname:lstrip=2) %(objectname)%0adelete %(refname)";
        let moves = self.call("for-each-ref").arg(format!("--format={moves}")).arg("refs/heads/").text()?;
        let tags = "create refs/backstay/tags/%(refname:lstrip=2) %(objectname)";
        let tags = self.call("for-each-ref").arg(format!("--format={tags}")).arg("refs/tags/").text()?;
        if !tags.is_empty() {
            self.call("update-ref").arg("--stdin").stdin(tags).run()?;
        }
        self.note_source_tags()?;
        // HEAD points to one of them; it is set to a commit when the checkout is made.
        if !moves.is_empty() {
            self.call("update-ref").arg("--stdin").stdin(moves.as_str()).run()?;
        }
        if let Some(branch) = branch.strip_prefix("refs/heads/").filter(|_| !moves.is_empty()) {
            let target = format!("refs/remotes/origin/{branch}");
            self.call("symbolic-ref").args(["refs/remotes/origin/HEAD", &target]).run()?;
        }
        self.set_config("core.bare", "false")?;
        self.set_config("remote.origin.url", &source.for_git(root))?;
        self.set_config("remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*")
    }

    /// Sets one value in the store's own configuration.
    pub(crate) fn set_config(&self, key: &str, value: &str) -> Result<()> {
        self.call("config").args(["--local", "--replace-all", key, value]).run()?;
        Ok(())
    }
}
