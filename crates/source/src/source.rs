//! The trait of a kind of source.

use backstay_model::Kind;
use backstay_repository::{Manifest, Reader, Writer};

use crate::capture::{CaptureContext, Captured};
use crate::restore::{RestoreContext, RestoreReport};

/// Something whose state can be captured and put back.
pub trait Source: Send + Sync {
    /// How a state is captured.
    type CaptureOptions;
    /// What of a state is put back, and where.
    type RestoreOptions;
    /// What a restore is going to change; made before anything changes.
    type Plan;
    /// What an execution needs beside the plan: locks that are held, what to note for recovery.
    type Execution;
    /// What can go wrong.
    type Error: std::error::Error + Send + Sync + 'static;

    /// The kind.
    fn kind(&self) -> Kind;

    /// Streams the present state through `writer`. It changes nothing in the source and commits nothing: that is
    /// [`Writer::finish`], by the caller.
    fn capture(
        &self,
        context: &CaptureContext,
        options: &Self::CaptureOptions,
        writer: &Writer,
    ) -> Result<Captured, Self::Error>;

    /// Finds out what putting back `manifest` would change. Changes nothing.
    fn plan_restore(
        &self,
        context: &RestoreContext,
        options: &Self::RestoreOptions,
        manifest: &Manifest,
        reader: &Reader,
    ) -> Result<Self::Plan, Self::Error>;

    /// Executes a plan: all of it, or after an error nothing of it.
    fn restore(
        &self,
        context: &RestoreContext,
        plan: &Self::Plan,
        execution: &Self::Execution,
        reader: &Reader,
    ) -> Result<RestoreReport, Self::Error>;
}
