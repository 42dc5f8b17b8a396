//! Events sent to other systems.

mod deliver_webhooks;
mod destination;
mod manage_webhooks;
mod schedule;
mod send;
mod signature;

pub(crate) use destination::check_url;
pub(crate) use manage_webhooks::host_of;
pub(crate) use send::Sender;
pub(crate) use signature::{show_secret, sign};
