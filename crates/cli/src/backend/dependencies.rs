//! The dependencies of the workspace that a command stands in.

use backstay_dependencies::git::{Git, Stop, Superproject};
use backstay_dependencies::{DependencyError, DependencyName, Reference, Workspace};
use backstay_model::{Caller, ErrorKind};
use backstay_service::view::Source;
use backstay_service::{Run, Service};

use super::opening;
use crate::context::Context;
use crate::failure::Failure;
use crate::progress::Shown;

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
    refuse_server(cx)?;
    let cancel = cx.cancel.clone();
    Ok(Workspace::new(&cx.workspace()?.root, Git::new(Stop::when(move || cancel.is_cancelled()))))
}

/// Asks about the workspace beside the runtime, so that an interrupt is seen.
pub(crate) async fn ask<T: Send + 'static>(
    cx: &Context,
    verb: &'static str,
    question: impl FnOnce(&Workspace) -> Result<T, DependencyError> + Send + 'static,
) -> Result<T, Failure> {
    let workspace = workspace(cx)?;
    cx.blocking(verb, move |_, _| Ok(question(&workspace)?)).await
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

/// The service of a command that changes dependencies.
pub(crate) struct Changer {
    pub(crate) service: Service,
    pub(crate) source: Source,
    pub(crate) caller: Caller,
}

impl Changer {
    /// Opens the workspace, and makes it one when it was none and has what is needed.
    pub(crate) async fn open(cx: &Context, needs: Needs) -> Result<Self, Failure> {
        require(cx, needs).await?;
        let (root, caller) = (cx.workspace()?.root, opening::caller());
        let service = opening::service_created(cx, &root).await?;
        let source = service.ensure_workspace(&caller, &root, &opening::workspace_name(&root)).await?;
        Ok(Self { service, source, caller })
    }

    /// What accompanies the change.
    pub(crate) fn run(cx: &Context, verb: &'static str, wait: u64) -> (Run, Shown) {
        super::local::run(cx, verb, wait)
    }
}

/// Checks a name before anything is opened, so that a wrong one touches nothing.
pub(crate) fn name(text: &str) -> Result<DependencyName, Failure> {
    Ok(DependencyName::parse(text)?)
}

/// Checks a ref.
pub(crate) fn reference(text: &str) -> Result<Reference, Failure> {
    Ok(Reference::parse(text)?)
}

fn refuse_server(cx: &Context) -> Result<(), Failure> {
    match &cx.globals.server {
        None => Ok(()),
        Some(_) => {
            Err(Failure::new(ErrorKind::BadRequest, "dependencies are worked on where the workspace is")
                .hint("leave out --server and BACKSTAY_SERVER")
                .exits(1))
        }
    }
}
