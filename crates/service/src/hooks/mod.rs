//! Commands that a workspace declares in `backstay.yaml`, to be run before and after an operation.
//!
//! The file alone runs nothing. Its text has to be trusted on this machine by [`Service::trust_hooks`], byte for byte;
//! a server has to allow commands besides.
//!
//! [`Service::trust_hooks`]: crate::Service::trust_hooks

mod run_hooks;
mod trust_hooks;
mod trust_store;

pub(crate) use backstay_source_workspace::declared::Hook;
pub(crate) use run_hooks::Hooks;
