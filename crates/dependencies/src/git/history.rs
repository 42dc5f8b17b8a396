//! Which commits come before which.

use std::collections::HashMap;

use super::error::GitError;
use super::repository::Store;
use crate::commit_id::CommitId;
use crate::error::Result;

/// The most bytes of a list of commits: several million of them.
const LIST_LIMIT: usize = 512 << 20;

/// How two commits stand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ancestry {
    /// They are the same.
    Same,
    /// The second has the first among its ancestors.
    Newer,
    /// The first has the second among its ancestors.
    Older,
    /// Neither.
    Diverged,
}

impl Store {
    /// How `to` stands to `from`. Both must be in the store.
    pub fn ancestry(&self, from: &CommitId, to: &CommitId) -> Result<Ancestry> {
        if from == to {
            return Ok(Ancestry::Same);
        }
        if self.is_ancestor(from, to)? {
            return Ok(Ancestry::Newer);
        }
        Ok(if self.is_ancestor(to, from)? { Ancestry::Older } else { Ancestry::Diverged })
    }

    /// Whether `ancestor` is an ancestor of `commit`, or the same.
    pub fn is_ancestor(&self, ancestor: &CommitId, commit: &CommitId) -> Result<bool> {
        let ended = self
            .call("merge-base")
            .args(["--is-ancestor", "--end-of-options", ancestor.as_str(), commit.as_str()])
            .end()?;
        match ended.status.code() {
            Some(0) => Ok(true),
            Some(1) => Ok(false),
            code => {
                let command = "merge-base".to_owned();
                Err(GitError::Failed { command, code, message: ended.message }.into())
            }
        }
    }

    /// The commits reachable from `to` and not from `from`, ancestors first, each with its parents.
    pub(crate) fn commits_between(
        &self,
        from: Option<&CommitId>,
        to: &CommitId,
    ) -> Result<Vec<(CommitId, Vec<CommitId>)>> {
        let mut call = self
            .call("rev-list")
            .args(["--topo-order", "--reverse", "--parents", "--end-of-options"])
            .arg(to.as_str())
            .limit(LIST_LIMIT);
        if let Some(from) = from {
            call = call.arg(format!("^{from}"));
        }
        let text = call.text()?;
        let mut commits = Vec::new();
        for line in text.lines() {
            let mut ids = line.split(' ').map(CommitId::parse);
            let unexpected = || GitError::Unexpected { command: "rev-list".to_owned() };
            let commit = ids.next().flatten().ok_or_else(unexpected)?;
            let parents = ids.collect::<Option<Vec<_>>>().ok_or_else(unexpected)?;
            commits.push((commit, parents));
        }
        Ok(commits)
    }
}

/// For each of `marked`, which others of it come before it; `None` for a commit that is not in `commits`.
///
/// `commits` is in an order in which parents come before their children.
pub(crate) fn marked_ancestors(
    commits: &[(CommitId, Vec<CommitId>)],
    marked: &[CommitId],
) -> Vec<Option<Vec<usize>>> {
    let words = marked.len().div_ceil(64);
    let mut marks: HashMap<&CommitId, Vec<usize>> = HashMap::new();
    for (at, commit) in marked.iter().enumerate() {
        marks.entry(commit).or_default().push(at);
    }
    // A commit without a marked ancestor needs no entry.
    let mut seen: HashMap<&CommitId, Vec<u64>> = HashMap::new();
    let mut before: Vec<Option<Vec<usize>>> = vec![None; marked.len()];
    for (commit, parents) in commits {
        let mut set = vec![0u64; words];
        for parent in parents {
            if let Some(other) = seen.get(parent) {
                set.iter_mut().zip(other).for_each(|(word, other)| *word |= other);
            }
        }
        for at in marks.get(commit).into_iter().flatten() {
            before[*at] =
                Some((0..marked.len()).filter(|other| set[other / 64] >> (other % 64) & 1 == 1).collect());
        }
        for at in marks.get(commit).into_iter().flatten() {
            set[at / 64] |= 1 << (at % 64);
        }
        if set.iter().any(|word| *word != 0) {
            seen.insert(commit, set);
        }
    }
    before
}
