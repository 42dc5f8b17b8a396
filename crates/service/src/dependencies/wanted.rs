//! What a change of dependencies asks for, with every name, source and ref checked.

use backstay_dependencies::change::Draft;
use backstay_dependencies::mutate::{
    self, AddOptions, Drafted, Fetched, Moved, Options, RemoveOptions, ResolveOptions, Synced,
};
use backstay_dependencies::{DependencyError, DependencyName, Pin, Reference, SourceUrl, Workspace};

use crate::error::Result;
use crate::limits::Fields;
use crate::view::{DependencyAction, DependencyResult, DependencyState, NewDependencyChange};

/// A change that can be tried.
#[derive(Debug, Clone)]
pub(super) enum Wanted {
    Resolve(ResolveOptions),
    Fetch { only: Option<DependencyName> },
    Sync { only: Option<DependencyName> },
    Apply { name: DependencyName, to: Reference },
    Add { name: DependencyName, pin: Pin, options: AddOptions },
    Remove { name: DependencyName, options: RemoveOptions },
    Fix,
}

/// What is told about each dependency.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) dependencies: Vec<DependencyResult>,
    pub(super) warnings: Vec<String>,
}

impl Wanted {
    /// Checks what was asked for. Nothing is looked at.
    pub(super) fn of(change: &NewDependencyChange) -> Result<Self> {
        let mut fields = Fields::default();
        let one = matches!(
            change.action,
            DependencyAction::Apply | DependencyAction::Add | DependencyAction::Remove
        );
        fields.check(!one || change.dependency.is_some(), "dependency", "say which dependency");
        let needs_to = change.action == DependencyAction::Apply;
        fields.check(!needs_to || change.to.is_some(), "to", "say to which ref");
        let needs_source = change.action == DependencyAction::Add;
        fields.check(!needs_source || change.source.is_some(), "source", "say where it comes from: url#ref");
        fields.finish()?;
        let only = change.dependency.as_deref().map(DependencyName::parse).transpose()?;
        let name = || DependencyName::parse(change.dependency.as_deref().unwrap_or_default());
        Ok(match change.action {
            DependencyAction::Resolve => Self::Resolve(ResolveOptions { force_yaml: change.force_yaml }),
            DependencyAction::Fetch => Self::Fetch { only },
            DependencyAction::Sync => Self::Sync { only },
            DependencyAction::Apply => {
                Self::Apply { name: name()?, to: Reference::parse(change.to.as_deref().unwrap_or_default())? }
            }
            DependencyAction::Add => Self::Add {
                name: name()?,
                pin: Pin::parse(change.source.as_deref().unwrap_or_default())?,
                options: AddOptions { no_resolve: change.no_resolve },
            },
            DependencyAction::Remove => {
                Self::Remove { name: name()?, options: RemoveOptions { keep_files: change.keep_files } }
            }
            DependencyAction::Fix => Self::Fix,
        })
    }

    /// The word for the operation and for whoever waits for the lock.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Resolve(_) => "resolve",
            Self::Fetch { .. } => "fetch",
            Self::Sync { .. } => "sync",
            Self::Apply { .. } => "apply",
            Self::Add { .. } => "add",
            Self::Remove { .. } => "remove",
            Self::Fix => "fix",
        }
    }

    /// Whether git may read where the dependencies come from.
    pub(super) const fn reads_sources(&self) -> bool {
        !matches!(self, Self::Remove { .. } | Self::Fix)
    }

    /// The source that it brings in.
    pub(super) const fn source(&self) -> Option<&SourceUrl> {
        match self {
            Self::Add { pin, .. } => Some(&pin.source),
            _ => None,
        }
    }

    /// Computes the change.
    pub(super) fn draft(
        &self,
        workspace: &Workspace,
        draft: Draft,
        options: &Options,
    ) -> Result<Drafted<Told>, DependencyError> {
        Ok(match self {
            Self::Resolve(resolve) => {
                told(mutate::resolve(workspace, draft, options, *resolve)?, |report| Told {
                    warnings: report
                        .warnings
                        .iter()
                        .map(|warning| format!("graft.yaml:{}: {}", warning.line, warning.text))
                        .collect(),
                    dependencies: report.dependencies.iter().map(moved).collect(),
                })
            }
            Self::Fetch { only } => Drafted {
                steps: Vec::new(),
                report: each(mutate::would_fetch(workspace, only.as_ref())?.into_iter().map(fetched)),
                dropped: Vec::new(),
                not_staged: false,
            },
            Self::Sync { only } => told(mutate::sync(workspace, draft, options, only.as_ref())?, |report| {
                each(report.into_iter().map(synced))
            }),
            Self::Apply { name, to } => {
                told(mutate::apply(workspace, draft, options, name, to)?, |report| each([moved(&report)]))
            }
            Self::Add { name, pin, options: add } => {
                told(mutate::add(workspace, draft, options, name, pin, *add)?, |report| {
                    let declared = || DependencyResult {
                        name: name.to_string(),
                        reference: Some(pin.reference.to_string()),
                        commit: None,
                        state: DependencyState::Declared,
                        error: None,
                    };
                    each([report.as_ref().map_or_else(declared, moved)])
                })
            }
            Self::Remove { name, options: remove } => {
                told(mutate::remove(workspace, draft, options, name, *remove)?, |report| {
                    each([only_state(&report.name, DependencyState::Removed)])
                })
            }
            Self::Fix => told(mutate::fix(workspace, draft, options)?, |report| {
                each(report.peeled.iter().map(|name| only_state(name, DependencyState::Fixed)))
            }),
        })
    }
}

fn told<R>(drafted: Drafted<R>, tell: impl FnOnce(R) -> Told) -> Drafted<Told> {
    Drafted {
        steps: drafted.steps,
        report: tell(drafted.report),
        dropped: drafted.dropped,
        not_staged: drafted.not_staged,
    }
}

fn each(dependencies: impl IntoIterator<Item = DependencyResult>) -> Told {
    Told { dependencies: dependencies.into_iter().collect(), warnings: Vec::new() }
}

fn moved(moved: &Moved) -> DependencyResult {
    DependencyResult {
        name: moved.name.to_string(),
        reference: Some(moved.reference.to_string()),
        commit: Some(moved.commit.to_string()),
        state: moved.state.into(),
        error: None,
    }
}

fn synced(synced: Synced) -> DependencyResult {
    DependencyResult {
        name: synced.name.to_string(),
        reference: Some(synced.reference.to_string()),
        commit: Some(synced.commit.to_string()),
        state: synced.result.as_ref().map_or(DependencyState::Failed, |state| (*state).into()),
        error: synced.result.err().map(|error| error.to_string()),
    }
}

pub(super) fn fetched(fetched: Fetched) -> DependencyResult {
    DependencyResult {
        state: fetched.result.as_ref().map_or(DependencyState::Failed, |result| (*result).into()),
        error: fetched.result.err().map(|error| error.to_string()),
        ..only_state(&fetched.name, DependencyState::Fetched)
    }
}

fn only_state(name: &DependencyName, state: DependencyState) -> DependencyResult {
    DependencyResult { name: name.to_string(), reference: None, commit: None, state, error: None }
}
