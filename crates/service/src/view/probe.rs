//! Whether a service that Backstay was told to use answers.

use backstay_model::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Whether it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum ProbeStatus {
    /// It answered just now.
    Up,
    /// It is to be used and did not answer.
    Down,
    /// It is not used.
    Disabled,
}

/// What a look at a service found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Probe {
    /// Whether it answers.
    pub status: ProbeStatus,
    /// A sentence for a person.
    pub message: String,
    /// When it was looked at.
    pub timestamp: Timestamp,
    /// What it is.
    pub details: Map<String, Value>,
    /// What it counted.
    pub metrics: Map<String, Value>,
}

impl Probe {
    fn new(status: ProbeStatus, message: &str, timestamp: Timestamp) -> Self {
        Self { status, message: message.to_owned(), timestamp, details: Map::new(), metrics: Map::new() }
    }

    pub(crate) fn up(message: &str, now: Timestamp) -> Self {
        Self::new(ProbeStatus::Up, message, now)
    }

    pub(crate) fn down(message: &str, now: Timestamp) -> Self {
        Self::new(ProbeStatus::Down, message, now)
    }

    pub(crate) fn disabled(message: &str, now: Timestamp) -> Self {
        Self::new(ProbeStatus::Disabled, message, now)
    }

    pub(crate) fn detail(&mut self, name: &str, value: Value) {
        self.details.insert(name.to_owned(), value);
    }

    pub(crate) fn metric(&mut self, name: &str, value: Value) {
        self.metrics.insert(name.to_owned(), value);
    }
}
