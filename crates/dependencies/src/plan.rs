//! Which changes lie between two commits of a dependency, and in which order.

use serde::Serialize;

use crate::commit_id::CommitId;
use crate::declarations::{Change, Declarations};
use crate::error::{DependencyError, Result};
use crate::git::{Ancestry, Store};
use crate::name::DependencyName;
use crate::reference::Reference;

/// A declared change and the commit that its ref means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedChange {
    /// The change.
    pub change: Change,
    /// Its commit.
    pub commit: CommitId,
}

/// The way from one commit to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangePlan {
    /// The changes reachable from the target and not from where it starts: ancestors first, then in the order of the file.
    pub changes: Vec<PlannedChange>,
    /// Declared refs that mean no commit, or several.
    pub unresolvable: Vec<Reference>,
}

/// A target: the commit, what it declares, and the change that arrives at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The ref as it was asked for.
    pub reference: Reference,
    /// The commit.
    pub commit: CommitId,
    /// What `graft.yaml` of that commit says; empty when it has none.
    pub declarations: Declarations,
    /// The declared change that is the target: the one with this very ref, else the one whose ref means the commit.
    pub change: Option<Change>,
    /// How it stands to the commit where the way starts; `None` without one, or when the store does not hold it.
    pub ancestry: Option<Ancestry>,
}

impl Target {
    /// Resolves `reference` and reads the declarations of its commit. `from` is the commit where the way starts.
    ///
    /// Whether an undeclared target or an older one is acceptable is for the caller to say: see [`Target::declared`] and
    /// [`Target::ancestry`].
    pub fn resolve(
        store: &Store,
        dependency: &DependencyName,
        reference: &Reference,
        from: Option<&CommitId>,
    ) -> Result<Self> {
        let commit = store.resolve(dependency, reference)?;
        let declarations = store.declarations_at(&commit)?.unwrap_or_default();
        let change = match declarations.change(reference) {
            Some(change) => Some(change.clone()),
            None => change_at(store, dependency, &declarations, &commit)?,
        };
        let known = match from {
            Some(from) => store.has_commit(from)?,
            None => false,
        };
        let ancestry = match from.filter(|_| known) {
            Some(from) => Some(store.ancestry(from, &commit)?),
            None => None,
        };
        Ok(Self { reference: reference.clone(), commit, declarations, change, ancestry })
    }

    /// The declared change.
    ///
    /// Errors: [`DependencyError::ChangeNotFound`] when the target is not declared.
    pub fn declared(&self) -> Result<&Change> {
        self.change
            .as_ref()
            .ok_or_else(|| DependencyError::ChangeNotFound { reference: self.reference.to_string() })
    }
}

/// The first declared change whose ref means `commit`.
fn change_at(
    store: &Store,
    dependency: &DependencyName,
    declarations: &Declarations,
    commit: &CommitId,
) -> Result<Option<Change>> {
    let refs: Vec<Reference> = declarations.changes.iter().map(|change| change.reference.clone()).collect();
    let resolved = store.resolve_each(dependency, &refs)?;
    let at = resolved.iter().position(|found| found.as_ref().is_ok_and(|found| found == commit));
    Ok(at.map(|at| declarations.changes[at].clone()))
}

/// The newest commit that is known of a dependency: the head of the source's default branch. `None` when nothing was
/// fetched yet.
pub fn newest_commit(store: &Store, dependency: &DependencyName) -> Result<Option<CommitId>> {
    let names = ["refs/remotes/origin/HEAD", "refs/remotes/origin/main", "refs/remotes/origin/master"];
    let references = names.map(Reference::parse).into_iter().collect::<Result<Vec<_>>>()?;
    Ok(store.resolve_each(dependency, &references)?.into_iter().find_map(Result::ok))
}

/// The changes that `declarations` names between `from` and `to`: `(from, to]`, from the beginning without `from`.
///
/// A ref that is declared and cannot be resolved is named in the plan; it is no error here.
pub fn between(
    store: &Store,
    dependency: &DependencyName,
    declarations: &Declarations,
    from: Option<&CommitId>,
    to: &CommitId,
) -> Result<ChangePlan> {
    let references: Vec<Reference> =
        declarations.changes.iter().map(|change| change.reference.clone()).collect();
    let mut unresolvable = Vec::new();
    let mut known = Vec::new();
    for (change, resolved) in declarations.changes.iter().zip(store.resolve_each(dependency, &references)?) {
        match resolved {
            Ok(commit) => known.push(PlannedChange { change: change.clone(), commit }),
            Err(DependencyError::RefNotFound { .. } | DependencyError::AmbiguousRef { .. }) => {
                unresolvable.push(change.reference.clone());
            }
            Err(error) => return Err(error),
        }
    }
    let commits = store.commits_between(from, to)?;
    let marked: Vec<CommitId> = known.iter().map(|planned| planned.commit.clone()).collect();
    let before = crate::git::marked_ancestors(&commits, &marked);
    Ok(ChangePlan { changes: in_order(known, &before), unresolvable })
}

/// Takes again and again the first in the file of those whose ancestors were all taken.
fn in_order(known: Vec<PlannedChange>, before: &[Option<Vec<usize>>]) -> Vec<PlannedChange> {
    let mut waiting: Vec<usize> = (0..known.len()).filter(|at| before[*at].is_some()).collect();
    let mut taken = vec![false; known.len()];
    let mut order = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let ready = |at: &usize| {
            before[*at].as_ref().is_some_and(|ancestors| ancestors.iter().all(|other| taken[*other]))
        };
        // Ancestry has no cycle, so one is always ready.
        let next = waiting.iter().position(ready).unwrap_or(0);
        let at = waiting.remove(next);
        taken[at] = true;
        order.push(at);
    }
    let mut known: Vec<Option<PlannedChange>> = known.into_iter().map(Some).collect();
    order.into_iter().filter_map(|at| known[at].take()).collect()
}
