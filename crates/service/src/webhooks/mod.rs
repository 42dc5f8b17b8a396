//! Events sent to other systems.

mod deliver_webhooks;
mod destination;
mod manage_webhooks;
mod schedule;
mod send;
mod signature;
