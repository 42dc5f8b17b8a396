//! Whether services answer.

use backstay_api::probe::{ProbeMode, ProbeStatus, ProbedMetrics, ProbedStatus};
use backstay_service::view;

/// What it is.
pub fn probed_status(from: view::Probe) -> ProbedStatus {
    let (status, mode) = words(from.status);
    ProbedStatus { status, mode, message: from.message, timestamp: from.timestamp, details: from.details }
}

/// What it counted.
pub fn probed_metrics(from: view::Probe) -> ProbedMetrics {
    let (status, mode) = words(from.status);
    ProbedMetrics { status, mode, message: from.message, timestamp: from.timestamp, metrics: from.metrics }
}

const fn words(status: view::ProbeStatus) -> (ProbeStatus, ProbeMode) {
    match status {
        view::ProbeStatus::Up => (ProbeStatus::Up, ProbeMode::Live),
        view::ProbeStatus::Down => (ProbeStatus::Down, ProbeMode::Live),
        view::ProbeStatus::Disabled => (ProbeStatus::Disabled, ProbeMode::Disabled),
    }
}
