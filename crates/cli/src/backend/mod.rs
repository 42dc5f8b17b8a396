//! Where a command works: directly on a workspace, or through a server. Both answer with the types of the API.

pub(crate) mod admin;
pub(crate) mod bare;
pub(crate) mod dependencies;
mod errors;
pub(crate) mod executions;
pub(crate) mod group;
pub(crate) mod local;
pub(crate) mod opening;
pub(crate) mod remote;
pub(crate) mod store;
pub(crate) mod trust;
pub(crate) mod wire;

use std::path::{Path, PathBuf};

use backstay_api::change::ChangeSummary;
use backstay_api::operation::{Operation, OperationPage, OperationState};
use backstay_api::restore::CannotRestore;
use backstay_api::upgrade::UpgradeEvent;
use backstay_model::{ErrorKind, OperationId, Trigger};
use backstay_service::view::{RecoverReport, RestoreReport};
use serde::Serialize;

use crate::context::Context;
use crate::failure::Failure;

/// Where a command works.
#[derive(Debug)]
pub(crate) enum Backend {
    /// Directly on the workspace that the command stands in.
    Local(Box<local::Local>),
    /// On a workspace of a server.
    Remote(Box<remote::Remote>),
}

impl Backend {
    /// Opens the server that `--server` names, else the workspace. A workspace that was never saved has no snapshots
    /// yet; opening it creates nothing.
    pub(crate) async fn open(cx: &Context) -> Result<Self, Failure> {
        match &cx.globals.server {
            Some(url) => Ok(Self::Remote(Box::new(remote::Remote::open(cx, url).await?))),
            None => Ok(Self::Local(Box::new(local::Local::open(cx).await?))),
        }
    }
}

/// Calls the same method of whichever backend it is.
macro_rules! on {
    ($backend:expr, $method:ident($($argument:expr),* $(,)?)) => {
        match &$backend {
            $crate::backend::Backend::Local(backend) => backend.$method($($argument),*).await,
            $crate::backend::Backend::Remote(backend) => backend.$method($($argument),*).await,
        }
    };
}
pub(crate) use on;

/// Takes the bytes of a file piece by piece; `false` stops it.
pub(crate) type Sink = Box<dyn FnMut(&[u8]) -> Result<bool, Failure> + Send>;

/// Sees what happens during an upgrade, as it happens.
pub(crate) type OnUpgradeEvent = Box<dyn Fn(&UpgradeEvent) + Send + Sync>;

/// A restore into an empty directory.
#[derive(Debug, Serialize)]
pub(crate) struct RestoredTo {
    /// The snapshot.
    pub(crate) snapshot_id: String,
    /// The directory.
    pub(crate) target: PathBuf,
    /// How much was written.
    pub(crate) written: ChangeSummary,
    /// What could not be put back.
    pub(crate) not_restored: Vec<CannotRestore>,
}

impl From<RestoreReport> for RestoredTo {
    fn from(report: RestoreReport) -> Self {
        Self {
            snapshot_id: report.snapshot.to_string(),
            target: report.target,
            written: wire::change_summary(report.written),
            not_restored: wire::cannot_restore(report.not_restored),
        }
    }
}

/// The snapshots that a list shows when not everything is asked for: not the undo points.
fn listed_triggers() -> Vec<Trigger> {
    Trigger::ALL.iter().copied().filter(|trigger| *trigger != Trigger::Safety).collect()
}

/// The newest operation that is done, changed something, and kept the state before.
fn last_done(page: &OperationPage) -> Result<String, Failure> {
    page.operations
        .iter()
        .find(|operation| operation.state == OperationState::Done && operation.snapshot_id.is_some())
        .map(|operation| operation.id.clone())
        .ok_or_else(|| {
            Failure::new(ErrorKind::NotFound, "there is nothing to undo")
                .hint("`backstay undo` undoes a restore; `backstay list` shows the snapshots")
        })
}

/// Whether an operation has not ended.
pub(crate) fn is_unfinished(operation: &Operation) -> bool {
    matches!(operation.state, OperationState::Running | OperationState::NeedsRecovery)
}

/// What a recovery would end.
fn unfinished(page: &OperationPage) -> Result<RecoverReport, Failure> {
    let ids = page.operations.iter().filter(|operation| is_unfinished(operation));
    let ids = ids.map(|operation| {
        OperationId::parse(&operation.id).map_err(|error| Failure::usage(error.to_string()))
    });
    Ok(RecoverReport { rolled_back: ids.collect::<Result<_, _>>()?, ..RecoverReport::default() })
}

fn nothing_to_undo(operation: &str) -> Failure {
    Failure::new(ErrorKind::Conflict, format!("operation {operation} changed nothing that could be undone"))
}

/// A path as text, as the API and the catalog take it.
fn text(path: &Path) -> Result<String, Failure> {
    path.to_str().map(str::to_owned).ok_or_else(|| {
        Failure::usage(format!("the path {} is not UTF-8", path.display()))
            .hint("name its directory, or a glob such as `dir/*`")
    })
}
