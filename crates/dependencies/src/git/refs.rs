//! What a ref means: one order for every command.
//!
//! A full ref (`refs/…`), a branch of `origin`, a tag, a commit id. Each is peeled to a commit. A local branch never
//! counts: `refs/heads/x` means the branch `x` of origin. What means several commits is ambiguous.

use super::repository::Store;
use crate::commit_id::CommitId;
use crate::error::{DependencyError, Result};
use crate::name::DependencyName;
use crate::reference::Reference;

/// The fewest digits of a shortened commit id.
const MIN_SHORT_ID: usize = 7;
/// The file in a store that says where the tags of its source are.
const OWN_TAGS: &str = "backstay-tags";

impl Store {
    /// The commit that `reference` means in `dependency`.
    ///
    /// Errors: [`DependencyError::RefNotFound`], [`DependencyError::AmbiguousRef`].
    pub fn resolve(&self, dependency: &DependencyName, reference: &Reference) -> Result<CommitId> {
        self.resolve_each(dependency, std::slice::from_ref(reference))?
            .pop()
            .unwrap_or_else(|| Err(not_found(dependency, reference)))
    }

    /// What each of `references` means, in one call of git; the outer error is git's.
    pub fn resolve_each(
        &self,
        dependency: &DependencyName,
        references: &[Reference],
    ) -> Result<Vec<Result<CommitId>>> {
        let candidates: Vec<Vec<String>> = references.iter().map(candidates).collect();
        let tags = self.source_tags();
        let place = |candidate: &String| match candidate.strip_prefix("refs/tags/") {
            Some(tag) => format!("{tags}/{tag}^{{commit}}"),
            None => format!("{candidate}^{{commit}}"),
        };
        let names: Vec<String> = candidates.iter().flatten().map(place).collect();
        let mut found = self.look_up(&names)?.into_iter();
        let mut resolved = Vec::with_capacity(references.len());
        for (reference, candidates) in references.iter().zip(candidates) {
            let mut meanings: Vec<(String, CommitId)> = Vec::new();
            for candidate in candidates {
                let commit = found.next().flatten().and_then(|found| CommitId::parse(&found.id));
                if let Some(commit) = commit {
                    meanings.push((candidate, commit));
                }
            }
            if is_short_id(reference) {
                for commit in self.expand(reference)? {
                    meanings.push((commit.to_string(), commit));
                }
            }
            resolved.push(only(dependency, reference, &meanings));
        }
        Ok(resolved)
    }

    /// Where the tags of the source are: in `refs/tags` among others as long as nothing was fetched into a store that someone
    /// else made.
    pub(super) fn source_tags(&self) -> &'static str {
        if self.git_dir.join(OWN_TAGS).is_file() { "refs/backstay/tags" } else { "refs/tags" }
    }

    /// Notes that the tags of the source have a place of their own now, even when there is none.
    pub(super) fn note_source_tags(&self) -> Result<()> {
        let path = self.git_dir.join(OWN_TAGS);
        if path.is_file() {
            return Ok(());
        }
        std::fs::write(&path, "The tags of the source are in refs/backstay/tags.\n")
            .map_err(|error| DependencyError::io("write", &path, error))
    }

    /// Whether a local branch has this name: for what a repository says about itself.
    pub(crate) fn has_branch(&self, reference: &Reference) -> Result<bool> {
        let name = format!("refs/heads/{reference}^{{commit}}");
        Ok(self.look_up(&[name])?.pop().flatten().is_some())
    }

    /// The commits whose ids begin so.
    fn expand(&self, reference: &Reference) -> Result<Vec<CommitId>> {
        let ids = self.call("rev-parse").arg(format!("--disambiguate={reference}")).text()?;
        let ids: Vec<String> = ids.lines().map(|id| format!("{id}^{{}}")).collect();
        let found = self.look_up(&ids)?;
        let is_commit = |id: &String, kind: &str, found: &str| kind == "commit" && id.starts_with(found);
        Ok(ids
            .iter()
            .zip(found)
            .filter_map(|(id, found)| found.filter(|found| is_commit(id, &found.kind, &found.id)))
            .filter_map(|found| CommitId::parse(&found.id))
            .collect())
    }
}

fn candidates(reference: &Reference) -> Vec<String> {
    let text = reference.as_str();
    if let Some(branch) = text.strip_prefix("refs/heads/") {
        return vec![format!("refs/remotes/origin/{branch}")];
    }
    if text.starts_with("refs/") {
        return vec![text.to_owned()];
    }
    let mut names = vec![format!("refs/remotes/origin/{text}"), format!("refs/tags/{text}")];
    if text.starts_with("origin/") {
        names.push(format!("refs/remotes/{text}"));
    }
    if CommitId::parse(text).is_some() {
        names.push(text.to_ascii_lowercase());
    }
    names
}

fn is_short_id(reference: &Reference) -> bool {
    let text = reference.as_str();
    text.len() >= MIN_SHORT_ID
        && CommitId::parse(text).is_none()
        && text.len() < 64
        && text.bytes().all(|b| b.is_ascii_hexdigit())
}

fn only(
    dependency: &DependencyName,
    reference: &Reference,
    meanings: &[(String, CommitId)],
) -> Result<CommitId> {
    let Some((first, commit)) = meanings.first() else { return Err(not_found(dependency, reference)) };
    match meanings.iter().find(|(_, other)| other != commit) {
        None => Ok(commit.clone()),
        Some((second, _)) => Err(DependencyError::AmbiguousRef {
            dependency: dependency.to_string(),
            reference: reference.to_string(),
            first: first.clone(),
            second: second.clone(),
        }),
    }
}

fn not_found(dependency: &DependencyName, reference: &Reference) -> DependencyError {
    DependencyError::RefNotFound { dependency: dependency.to_string(), reference: reference.to_string() }
}
