//! What can be set of the server.

use std::time::Duration;

/// What can be set of the server; the default suits a single machine.
#[derive(Debug, Clone)]
pub struct ServerSettings {
    /// Whether the session cookie is marked `Secure`: when people reach the server by `https`.
    pub secure_cookies: bool,
    /// Whether a proxy in front sets `X-Forwarded-For`, so that its last address is the client's.
    pub trust_forwarded_for: bool,
    /// How long an endpoint may take until it answers; what it waits for on request comes on top.
    pub request_timeout: Duration,
    /// The largest accepted body.
    pub body_limit_bytes: usize,
    /// How often a silent stream sends a comment, so that proxies keep it open.
    pub heartbeat: Duration,
    /// How long a live stream lasts at most. Its client comes back where it was, and is identified again: a token that
    /// was revoked meanwhile ends there.
    pub stream_lifetime: Duration,
    /// How many live streams may be open at once.
    pub max_streams: usize,
    /// How many WebSockets may be open at once.
    pub max_sockets: usize,
    /// How long open requests may go on after a shutdown began.
    pub shutdown_grace: Duration,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            secure_cookies: false,
            trust_forwarded_for: false,
            request_timeout: Duration::from_secs(30),
            body_limit_bytes: 1 << 20,
            heartbeat: Duration::from_secs(15),
            stream_lifetime: Duration::from_mins(10),
            max_streams: 1000,
            max_sockets: 10_000,
            shutdown_grace: Duration::from_secs(10),
        }
    }
}
