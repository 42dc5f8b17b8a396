//! Where a dependency is, where it is to go, and what has to run on the way.

use backstay_dependencies::declarations::{Change, Command};
use backstay_dependencies::git::{Ancestry, Store};
use backstay_dependencies::plan::{self, Target};
use backstay_dependencies::{CommitId, DependencyError, DependencyName, Reference};
use backstay_model::ErrorKind;

use super::found::{Found, name_of};
use crate::error::{Result, ServiceError};
use crate::view::{RefCommit, UpgradeChange, UpgradeMove, UpgradeRequest};

/// A dependency that moves, and the commands of its target commit.
#[derive(Debug, Clone)]
pub(super) struct Move {
    pub(super) name: DependencyName,
    pub(super) reference: Reference,
    pub(super) commit: CommitId,
    pub(super) view: UpgradeMove,
    pub(super) steps: Vec<PlannedStep>,
}

/// A command that is to run.
#[derive(Debug, Clone)]
pub(super) struct PlannedStep {
    pub(super) change: String,
    pub(super) kind: StepKind,
    pub(super) command: Command,
}

/// What a command is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StepKind {
    Migration,
    Verify,
}

impl StepKind {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Migration => "migration",
            Self::Verify => "verify",
        }
    }
}

/// What moves; empty when everything is where it should be. Fetches unless `offline`.
pub(super) fn moves(found: &Found, request: &UpgradeRequest, offline: bool) -> Result<Vec<Move>> {
    if let Some(name) = &request.dependency {
        return Ok(one(found, &name_of(name)?, request, offline)?.into_iter().collect());
    }
    let mut moves = Vec::new();
    for declared in &found.declared.dependencies {
        moves.extend(one(found, &declared.name, request, offline)?);
    }
    Ok(moves)
}

fn one(
    found: &Found,
    name: &DependencyName,
    request: &UpgradeRequest,
    offline: bool,
) -> Result<Option<Move>> {
    let workspace = &found.workspace;
    let declared = found
        .declared
        .dependency(name)
        .ok_or_else(|| DependencyError::UnknownDependency { name: name.to_string() })?;
    let locked = found.locked.lock.entries.get(name).ok_or_else(|| {
        ServiceError::conflict(format!("Dependency `{name}` is not in graft.lock"))
            .hint("run `backstay deps resolve` first")
    })?;
    let store = workspace.required_store(name)?;
    let wanted = request.to.as_deref().map(Reference::parse).transpose()?;
    if !offline && !wanted.as_ref().is_some_and(|wanted| is_here(&store, wanted)) {
        store.fetch(&declared.source, workspace.root())?;
    }
    let current = store.peel(&locked.commit)?.ok_or_else(|| {
        ServiceError::conflict(format!("Commit {} of `{name}` is not in its store", locked.commit))
            .hint("run `backstay deps sync`")
    })?;
    let wanted = match wanted {
        Some(wanted) => wanted,
        None => match newest(&store, name, &current)? {
            Some(newest) => newest,
            None => return Ok(None),
        },
    };
    let target = match Target::resolve(&store, name, &wanted, Some(&current)) {
        // What means nothing is not declared either.
        Err(error @ DependencyError::RefNotFound { .. }) if !request.allow_undeclared => {
            let not_found = DependencyError::ChangeNotFound { reference: wanted.to_string() };
            return Err(ServiceError::from(not_found).because(error));
        }
        target => target?,
    };
    let change = match target.declared() {
        Ok(change) => Some(change.clone()),
        Err(_) if request.allow_undeclared => None,
        Err(error) => return Err(error.into()),
    };
    match target.ancestry {
        Some(Ancestry::Same) => return Ok(None),
        Some(Ancestry::Older | Ancestry::Diverged) if !request.allow_downgrade => {
            return Err(ServiceError::new(
                ErrorKind::Conflict,
                format!("`{wanted}` of `{name}` is not newer than {}", locked.reference),
            )
            .code("downgrade")
            .hint("use --allow-downgrade to move there all the same"));
        }
        _ => {}
    }
    let way = plan::between(&store, name, &target.declarations, Some(&current), &target.commit)?;
    let mut steps = Vec::new();
    let mut changes = Vec::new();
    let step = |change: &Change, kind, command: &Option<String>| -> Result<Option<PlannedStep>> {
        let Some(command) = command else { return Ok(None) };
        let found = target.declarations.command(command).ok_or_else(|| DependencyError::CommandNotFound {
            change: change.reference.to_string(),
            command: command.clone(),
        })?;
        Ok(Some(PlannedStep { change: change.reference.to_string(), kind, command: found.clone() }))
    };
    for planned in &way.changes {
        let planned = &planned.change;
        if !request.skip_migration {
            steps.extend(step(planned, StepKind::Migration, &planned.migration)?);
        }
        let is_target = change.as_ref().is_some_and(|change| change.reference == planned.reference);
        if request.verify_each && !request.skip_verify && !is_target {
            steps.extend(step(planned, StepKind::Verify, &planned.verify)?);
        }
        changes.push(UpgradeChange {
            reference: planned.reference.to_string(),
            migration: planned.migration.clone(),
            verify: planned.verify.clone(),
        });
    }
    if let Some(change) = change.as_ref().filter(|_| !request.skip_verify) {
        steps.extend(step(change, StepKind::Verify, &change.verify)?);
    }
    let view = UpgradeMove {
        dependency: name.to_string(),
        from: RefCommit { reference: locked.reference.to_string(), commit: current.to_string() },
        to: RefCommit { reference: wanted.to_string(), commit: target.commit.to_string() },
        changes,
        unresolvable: way.unresolvable.iter().map(ToString::to_string).collect(),
    };
    Ok(Some(Move { name: name.clone(), reference: wanted, commit: target.commit, view, steps }))
}

/// Whether the ref is the id of a commit that the store holds.
fn is_here(store: &Store, reference: &Reference) -> bool {
    CommitId::parse(reference.as_str()).is_some_and(|commit| store.has_commit(&commit).unwrap_or(false))
}

/// The last declared change on the way to the newest commit that the source has.
fn newest(store: &Store, name: &DependencyName, current: &CommitId) -> Result<Option<Reference>> {
    let Some(tip) = plan::newest_commit(store, name)? else { return Ok(None) };
    let Some(declared) = store.declarations_at(&tip)? else { return Ok(None) };
    let way = plan::between(store, name, &declared, Some(current), &tip)?;
    Ok(way.changes.last().map(|planned| planned.change.reference.clone()))
}
