//! Results as a person reads them; `docs/API.md` describes the same as JSON.

pub(crate) mod access;
pub(crate) mod change;
pub(crate) mod entry;
pub(crate) mod event;
pub(crate) mod operation;
pub(crate) mod snapshot;
pub(crate) mod table;
pub(crate) mod task;
