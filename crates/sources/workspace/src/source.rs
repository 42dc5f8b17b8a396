//! A workspace as a source.

use std::path::PathBuf;

use backstay_model::Kind;
use backstay_repository::{Manifest, Reader, Writer};
use backstay_source::{CaptureContext, Captured, RestoreContext, RestoreReport, Source};

use crate::capture::{CaptureOptions, capture};
use crate::error::{Result, WorkspaceError};
use crate::lock::WorkspaceLock;
use crate::restore::{ExecuteOptions, RestoreOptions, RestorePlan, execute, plan};

/// The directory tree at a path.
#[derive(Debug, Clone)]
pub struct WorkspaceSource {
    /// The root of the tree.
    pub root: PathBuf,
}

/// What executing a plan needs.
#[derive(Debug)]
pub struct Execution {
    /// The lock of the workspace.
    pub lock: WorkspaceLock,
    /// What is noted in the journal.
    pub options: ExecuteOptions,
}

impl Source for WorkspaceSource {
    type CaptureOptions = CaptureOptions;
    type RestoreOptions = RestoreOptions;
    type Plan = RestorePlan;
    type Execution = Execution;
    type Error = WorkspaceError;

    fn kind(&self) -> Kind {
        Kind::Workspace
    }

    fn capture(
        &self,
        context: &CaptureContext,
        options: &CaptureOptions,
        writer: &Writer,
    ) -> Result<Captured> {
        capture(&self.root, context, options, writer)
    }

    fn plan_restore(
        &self,
        context: &RestoreContext,
        options: &RestoreOptions,
        manifest: &Manifest,
        reader: &Reader,
    ) -> Result<RestorePlan> {
        plan(&self.root, manifest, reader, options, context)
    }

    fn restore(
        &self,
        context: &RestoreContext,
        plan: &RestorePlan,
        execution: &Execution,
        reader: &Reader,
    ) -> Result<RestoreReport> {
        execute(plan, reader, &execution.lock, &execution.options, context)
    }
}
