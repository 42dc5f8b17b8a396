//! Events sent to other systems.

mod deliver_webhooks;
mod manage_webhooks;
