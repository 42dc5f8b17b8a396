//! The declarations of a dependency at one of its commits.

use super::repository::Store;
use crate::commit_id::CommitId;
use crate::declarations::{self, Declarations};
use crate::error::{DependencyError, Result};
use crate::yaml;

impl Store {
    /// What `graft.yaml` says in `commit`; `None` when the commit has none.
    ///
    /// Errors: [`DependencyError::Malformed`] with `graft.yaml at <commit>` as the file.
    pub fn declarations_at(&self, commit: &CommitId) -> Result<Option<Declarations>> {
        let Some(bytes) = self.file_at(commit, declarations::FILE_NAME, yaml::MAX_BYTES)? else {
            return Ok(None);
        };
        let file = format!("{} at {}", declarations::FILE_NAME, commit.short());
        let text = String::from_utf8(bytes).map_err(|_| DependencyError::Malformed {
            file: file.clone(),
            line: 1,
            problem: "it is not UTF-8".to_owned(),
        })?;
        Declarations::parse(&file, &text).map(Some)
    }
}
