//! The WebSockets of training: telemetry for dashboards, and control.
//!
//! A connection holds a place in the feed of its tenant and asks for what comes after it. Frames are rendered once and shared; a slow
//! client holds no memory and delays nobody, and is sent away when it is too far behind.

mod commands;
mod connection;
mod identify;
mod open;
mod registry;

pub(crate) use open::routes;
pub(crate) use registry::{Sockets, seconds};

/// What a socket is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Channel {
    /// `/ws/training`: begins with the state of the run.
    Training,
    /// `/ws/control`: takes commands.
    Control,
    /// `/ws`: frames alone.
    Frames,
}

/// Why the server closes a socket.
mod code {
    /// The server shuts down.
    pub(super) const AWAY: u16 = 1001;
    /// Too many are open.
    pub(super) const FULL: u16 = 1013;
    /// Something failed.
    pub(super) const FAILED: u16 = 1011;
    /// Whoever it is is not known.
    pub(super) const UNAUTHENTICATED: u16 = 4001;
    /// Whoever it is may not do this.
    pub(super) const FORBIDDEN: u16 = 4003;
    /// There is no such run.
    pub(super) const NOT_FOUND: u16 = 4004;
    /// The client reads too slowly.
    pub(super) const SLOW: u16 = 4008;
}
