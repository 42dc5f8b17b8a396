//! Upgrades: dependencies move to commits that were found before, without fetching.

use super::session::{Drafted, Moved, Options, Session};
use crate::change::Draft;
use crate::commit_id::CommitId;
use crate::declarations::{self, Declarations, edit};
use crate::error::{DependencyError, Result};
use crate::name::DependencyName;
use crate::pin::Pin;
use crate::reference::Reference;
use crate::submodule::{StagedFile, State, draft_clone};
use crate::workspace::Workspace;

/// Where a dependency is to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// The dependency.
    pub name: DependencyName,
    /// The ref.
    pub reference: Reference,
    /// The commit that it meant when the upgrade was planned.
    pub commit: CommitId,
}

/// Moves `graft.yaml`, the lock and the checkouts, all in one change. Every dependency must be checked out. The refs are put
/// into `edited`, when it is given, instead of the text that `graft.yaml` has.
///
/// Errors: [`DependencyError::NotCloned`]; [`DependencyError::Dirty`] unless `options.force`.
pub fn upgrade(
    workspace: &Workspace,
    draft: Draft,
    options: &Options,
    moves: &[Move],
    edited: Option<String>,
) -> Result<Drafted<Vec<Moved>>> {
    let mut session = Session::begin(workspace, options, draft)?;
    session.yaml = edited.or(session.yaml);
    let mut moved = Vec::new();
    for wanted in moves {
        let (name, reference) = (&wanted.name, &wanted.reference);
        let yaml = session.required_yaml()?.to_owned();
        let found = Declarations::parse(declarations::FILE_NAME, &yaml)?;
        let declared = found
            .dependency(name)
            .ok_or_else(|| DependencyError::UnknownDependency { name: name.to_string() })?;
        let state = State::of(workspace, &session.files, name)?;
        if !matches!(state, State::Here(_)) {
            return Err(DependencyError::NotCloned { name: name.to_string() });
        }
        let checkout = draft_clone(workspace, &mut session.draft, name, &declared.source, state)?;
        let pin = Pin { source: declared.source.clone(), reference: reference.clone() };
        session.yaml = Some(edit::set(&yaml, name, &pin)?);
        moved.push(session.move_to(name, &declared.source, reference, &checkout, &wanted.commit)?);
    }
    session.finish(moved)
}

/// The bytes that `graft.yaml` and `graft.lock` get by other means than this change; `None` for a file that goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pins {
    /// `graft.yaml`.
    pub yaml: Option<Vec<u8>>,
    /// `graft.lock`.
    pub lock: Option<Vec<u8>>,
}

/// Moves the checkouts alone, and notes in the index the commits and what the two files will be: for whoever puts the two
/// files back as they were.
///
/// Errors: as [`upgrade`].
pub fn move_back(
    workspace: &Workspace,
    draft: Draft,
    options: &Options,
    moves: &[Move],
    pins: &Pins,
) -> Result<Drafted<()>> {
    let mut session = Session::begin(workspace, options, draft)?;
    let yaml = session.required_yaml()?.to_owned();
    let found = Declarations::parse(declarations::FILE_NAME, &yaml)?;
    for wanted in moves {
        let name = &wanted.name;
        let declared = found
            .dependency(name)
            .ok_or_else(|| DependencyError::UnknownDependency { name: name.to_string() })?;
        let state = State::of(workspace, &session.files, name)?;
        if !matches!(state, State::Here(_)) {
            return Err(DependencyError::NotCloned { name: name.to_string() });
        }
        let checkout = draft_clone(workspace, &mut session.draft, name, &declared.source, state)?;
        session.check_out(name, &declared.source, &checkout, &wanted.commit)?;
    }
    let staged: Vec<StagedFile> =
        [(declarations::FILE_NAME, &pins.yaml), (crate::lock::FILE_NAME, &pins.lock)]
            .into_iter()
            .filter_map(|(path, content)| content.clone().map(|content| StagedFile { path, content }))
            .collect();
    session.finish_with(&staged)
}
