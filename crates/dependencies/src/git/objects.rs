//! Reads objects of a store.

use super::error::GitError;
use super::repository::Store;
use crate::commit_id::CommitId;
use crate::error::Result;

/// What git knows of one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) id: String,
    pub(super) kind: String,
}

impl Store {
    /// What each of `names` means, in one call; `None` for what does not exist. No name may contain a line break.
    pub(super) fn look_up(&self, names: &[String]) -> Result<Vec<Option<Found>>> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let unexpected = || GitError::Unexpected { command: "cat-file".to_owned() };
        let mut input = names.join("\n");
        input.push('\n');
        let text =
            self.call("cat-file").arg("--batch-check=%(objectname) %(objecttype)").stdin(input).text()?;
        let found: Vec<_> = text.lines().map(parse_line).collect();
        if found.len() == names.len() { Ok(found) } else { Err(unexpected().into()) }
    }

    /// Whether the store holds this commit.
    pub fn has_commit(&self, commit: &CommitId) -> Result<bool> {
        Ok(self.look_up(&[format!("{commit}^{{commit}}")])?.pop().flatten().is_some())
    }

    /// The bytes of the file `path` in `commit`, of at most `limit` bytes; `None` when there is no such file.
    pub fn file_at(&self, commit: &CommitId, path: &str, limit: usize) -> Result<Option<Vec<u8>>> {
        let command = || "cat-file".to_owned();
        let name = format!("{commit}:{path}");
        let Some(found) = self.look_up(&[name])?.pop().flatten().filter(|found| found.kind == "blob") else {
            return Ok(None);
        };
        let bytes = self.call("cat-file").args(["blob", &found.id]).limit(limit).run();
        match bytes {
            Ok(bytes) => Ok(Some(bytes)),
            Err(GitError::TooMuchOutput { limit, .. }) => {
                Err(GitError::TooMuchOutput { command: command(), limit }.into())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The commit that an id means: itself, or what an annotated tag points to. `None` when the store has no such object.
    pub fn peel(&self, id: &CommitId) -> Result<Option<CommitId>> {
        let found = self.look_up(&[format!("{id}^{{commit}}")])?.pop().flatten();
        Ok(found.and_then(|found| CommitId::parse(&found.id)))
    }

    /// The commit that the checkout is at; `None` when there is none yet.
    pub fn head(&self) -> Result<Option<CommitId>> {
        let found = self.look_up(&["HEAD^{commit}".to_owned()])?.pop().flatten();
        Ok(found.and_then(|found| CommitId::parse(&found.id)))
    }
}

fn parse_line(line: &str) -> Option<Found> {
    let (id, kind) = line.split_once(' ')?;
    let is_id = matches!(id.len(), 40 | 64) && id.bytes().all(|b| b.is_ascii_hexdigit());
    let known = matches!(kind, "commit" | "blob" | "tree" | "tag");
    (is_id && known).then(|| Found { id: id.to_owned(), kind: kind.to_owned() })
}
