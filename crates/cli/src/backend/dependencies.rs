//! The dependencies of the workspace that a command stands in.

use std::sync::Arc;

use backstay_api::declared::{DependencyTree, DependencyValidation, ShownChange, ValidationQuery};
use backstay_api::dependency::{DependencyChanges, DependencyChangesQuery, DependencyList};
use backstay_dependencies::git::{Git, Stop, Superproject};
use backstay_dependencies::query::{self, ChangeFilter};
use backstay_dependencies::{DependencyError, DependencyName, Reference, Workspace};
use backstay_model::ErrorKind;
use backstay_repository::Progress;
use backstay_service::view::{DependencyAction, DependencyReport, NewDependencyChange};

use super::remote::Remote;
use super::{opening, wire};
use crate::context::Context;
use crate::failure::Failure;

impl From<DependencyError> for Failure {
    /// What is wrong with a dependency is a failure of the command and no wrong usage of it.
    fn from(error: DependencyError) -> Self {
        if matches!(&error, DependencyError::Git(error) if error.is_stopped()) {
            return Self::interrupted();
        }
        let failure = Self::new(error.kind(), error.to_string()).maybe_hint(error.hint().map(str::to_owned));
        failure.caused_by(std::error::Error::source(&error)).exits(1)
    }
}

/// The workspace of a command, without anything that was saved in it.
pub(crate) fn workspace(cx: &Context) -> Result<Workspace, Failure> {
    Ok(Workspace::new(&cx.workspace()?.root, git(cx)))
}

fn git(cx: &Context) -> Git {
    let cancel = cx.cancel.clone();
    Git::new(Stop::when(move || cancel.is_cancelled()))
}

/// Asks about the workspace beside the runtime, so that an interrupt is seen.
pub(crate) async fn ask<T: Send + 'static>(
    cx: &Context,
    verb: &'static str,
    question: impl FnOnce(&Workspace) -> Result<T, DependencyError> + Send + 'static,
) -> Result<T, Failure> {
    let (root, git) = (cx.workspace()?.root, git(cx));
    let work = move |progress: Arc<dyn Progress>, _| {
        let git = git.heard(move |line| {
            progress.current(line.as_bytes());
            progress.advance(0, 0);
        });
        Ok(question(&Workspace::new(&root, git))?)
    };
    cx.blocking(verb, work).await
}

/// What has to be there before a command that changes dependencies makes anything of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    /// A git repository.
    Repository,
    /// And `graft.yaml`.
    Declarations,
    /// And `graft.lock`.
    Lock,
}

/// Looks for what is needed; `.backstay` does not come to be for a command that could do nothing.
pub(crate) async fn require(cx: &Context, needs: Needs) -> Result<(), Failure> {
    let check = move |workspace: &Workspace| {
        Superproject::find(workspace.git(), workspace.root())?;
        match needs {
            Needs::Repository => {}
            Needs::Declarations => drop(workspace.required_yaml()?),
            Needs::Lock => drop(workspace.required_lock()?),
        }
        Ok(())
    };
    ask(cx, "Looking", check).await
}

/// Changes dependencies here, or on the server. `.backstay` comes to be when the workspace has what is needed.
pub(crate) async fn change(
    cx: &Context,
    needs: Needs,
    verb: &'static str,
    wait: u64,
    change: NewDependencyChange,
) -> Result<DependencyReport, Failure> {
    if let Some(url) = &cx.globals.server {
        return Remote::open(cx, url).await?.change_dependencies(cx, verb, &change, wait).await;
    }
    require(cx, needs).await?;
    let (root, caller) = (cx.workspace()?.root, opening::caller());
    let service = opening::service_created(cx, &root).await?;
    let source = service.ensure_workspace(&caller, &root, &opening::workspace_name(&root)).await?;
    let (run, _shown) = super::local::run(cx, verb, wait);
    Ok(Box::pin(service.change_dependencies(&caller, &source.id, change, &run)).await?)
}

/// Whether to look for what is newer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Updates {
    /// No.
    Unwanted,
    /// Among what was fetched.
    Fetched,
    /// After fetching.
    Fresh,
}

/// Where `only`, or every locked dependency, is.
pub(crate) async fn list(
    cx: &Context,
    only: Option<DependencyName>,
    updates: Updates,
) -> Result<DependencyList, Failure> {
    let Some(url) = &cx.globals.server else {
        let (check, offline) = (updates != Updates::Unwanted, updates != Updates::Fresh);
        let question = move |workspace: &Workspace| query::status(workspace, only.as_ref(), check, offline);
        return Ok(wire::dependency_list(ask(cx, "Looking", question).await?.into()));
    };
    let remote = Remote::open(cx, url).await?;
    if updates == Updates::Fresh {
        let fetch = NewDependencyChange {
            dependency: only.as_ref().map(ToString::to_string),
            ..NewDependencyChange::of(DependencyAction::Fetch)
        };
        let report = remote.change_dependencies(cx, "Fetching", &fetch, 0).await?;
        if let Some(failed) = report.dependencies.into_iter().find(|one| one.error.is_some()) {
            let why = failed.error.unwrap_or_default();
            return Err(Failure::new(ErrorKind::Unavailable, format!("{}: {why}", failed.name)));
        }
    }
    let mut list = remote.dependencies(updates != Updates::Unwanted).await?;
    if let Some(only) = only.filter(|_| !list.dependencies.is_empty()) {
        list.dependencies.retain(|name, _| name == only.as_str());
        if list.dependencies.is_empty() {
            return Err(DependencyError::UnknownDependency { name: only.to_string() }.into());
        }
    }
    Ok(list)
}

/// The declared changes of a dependency.
pub(crate) async fn changes(
    cx: &Context,
    dependency: DependencyName,
    filter: ChangeFilter,
) -> Result<DependencyChanges, Failure> {
    let Some(url) = &cx.globals.server else {
        let question = move |workspace: &Workspace| query::changes(workspace, &dependency, &filter);
        return Ok(wire::dependency_changes(ask(cx, "Looking", question).await?.into()));
    };
    let query = DependencyChangesQuery {
        kind: filter.kind,
        from_ref: filter.from.map(|from| from.to_string()),
        to_ref: filter.to.map(|to| to.to_string()),
    };
    Remote::open(cx, url).await?.dependency_changes(dependency.as_str(), &query).await
}

/// One declared change of a dependency.
pub(crate) async fn shown_change(
    cx: &Context,
    dependency: DependencyName,
    at: Reference,
) -> Result<ShownChange, Failure> {
    let Some(url) = &cx.globals.server else {
        let question = move |workspace: &Workspace| query::show(workspace, &dependency, &at);
        return Ok(wire::shown_change(ask(cx, "Looking", question).await?));
    };
    Remote::open(cx, url).await?.shown_change(dependency.as_str(), &at.to_string()).await
}

/// What is locked.
pub(crate) async fn tree(cx: &Context) -> Result<DependencyTree, Failure> {
    let Some(url) = &cx.globals.server else {
        return Ok(wire::dependency_tree(ask(cx, "Looking", query::tree).await?));
    };
    Remote::open(cx, url).await?.dependency_tree().await
}

/// Whether the files are right and the checkouts what the lock says.
pub(crate) async fn validate(cx: &Context, what: ValidationQuery) -> Result<DependencyValidation, Failure> {
    let Some(url) = &cx.globals.server else {
        let question = move |workspace: &Workspace| query::validate(workspace, wire::validated(what));
        return Ok(wire::dependency_validation(ask(cx, "Checking", question).await?));
    };
    Remote::open(cx, url).await?.validate(&what).await
}

/// Checks a name before anything is opened, so that a wrong one touches nothing.
pub(crate) fn name(text: &str) -> Result<DependencyName, Failure> {
    Ok(DependencyName::parse(text)?)
}

/// Checks a ref.
pub(crate) fn reference(text: &str) -> Result<Reference, Failure> {
    Ok(Reference::parse(text)?)
}
