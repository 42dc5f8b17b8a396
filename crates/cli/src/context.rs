//! What every command gets: options, output, clock, randomness and the flag that stops it.

use std::path::PathBuf;
use std::sync::Arc;

use backstay_model::{Clock, Rng};
use backstay_repository::{Cancel, Progress};
use backstay_service::Notices;

use crate::args::Globals;
use crate::clock::WallClock;
use crate::discover::{self, Workspace};
use crate::failure::Failure;
use crate::output::Output;
use crate::progress::Shown;
use crate::random::OsRandom;

/// The surroundings of a command.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    pub(crate) globals: Globals,
    pub(crate) output: Output,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rng: Arc<dyn Rng>,
    pub(crate) cancel: Cancel,
    /// What the person should know although the command succeeds.
    pub(crate) notices: Notices,
    /// What the command is called, as far as it matters to it.
    pub(crate) invocation: Invocation,
}

/// How the program was started, and for what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Invocation {
    /// Under the name `graft`.
    pub(crate) as_graft: bool,
    /// For a command about dependencies.
    pub(crate) about_dependencies: bool,
}

impl Context {
    /// The surroundings of the command line.
    pub(crate) fn new(globals: Globals, output: Output, invocation: Invocation) -> Self {
        Self {
            globals,
            output,
            clock: Arc::new(WallClock),
            rng: Arc::new(OsRandom),
            cancel: Cancel::new(),
            notices: Notices::default(),
            invocation,
        }
    }

    /// The directory the command stands in: `-C`, else the current one.
    pub(crate) fn directory(&self) -> Result<PathBuf, Failure> {
        let here =
            || std::env::current_dir().map_err(|error| Failure::io("the current directory is gone", &error));
        match &self.globals.directory {
            Some(directory) if directory.is_absolute() => Ok(directory.clone()),
            Some(directory) => Ok(here()?.join(directory)),
            None => here(),
        }
    }

    /// The workspace: the directory that `-C` names, else the one that the current directory belongs to.
    pub(crate) fn workspace(&self) -> Result<Workspace, Failure> {
        let directory = self.directory()?;
        match self.globals.directory {
            Some(_) => discover::exactly(&directory),
            None if self.invocation.about_dependencies => discover::workspace_with_dependencies(&directory),
            None => discover::workspace(&directory),
        }
    }

    /// Runs blocking `work` beside the runtime, with progress shown as `verb`.
    pub(crate) async fn blocking<T: Send + 'static>(
        &self,
        verb: &'static str,
        work: impl FnOnce(Arc<dyn Progress>, Cancel) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let shown = Shown::begin(&self.globals, &self.output, verb);
        let (receiver, cancel) = (shown.receiver(), self.cancel.clone());
        let result = tokio::task::spawn_blocking(move || work(receiver, cancel)).await;
        drop(shown);
        match result {
            Ok(result) => result,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => Err(Failure::interrupted()),
        }
    }
}
