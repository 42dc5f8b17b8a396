//! Events and what is made of them.

use backstay_api::audit::AuditVerification;
use backstay_api::event::{Event, SubjectRef};
use backstay_api::history::{HistoryAction, HistoryEntry};
use backstay_service::view;

/// An event.
pub fn event(from: backstay_model::Event) -> Event {
    Event {
        seq: from.seq,
        timestamp: from.at,
        action: from.action,
        tenant_id: from.tenant.into(),
        actor: from.actor.into(),
        kind: from.kind,
        source_id: from.source.map(Into::into),
        subject: SubjectRef { kind: from.subject.kind, id: from.subject.id },
        outcome: from.outcome,
        data: from.data.value(),
        request_id: from.request_id,
        prev_hash: from.prev_hash.to_string(),
        hash: from.hash.to_string(),
    }
}

/// A line of the history.
pub fn history_entry(from: view::HistoryEntry) -> HistoryEntry {
    HistoryEntry {
        timestamp: from.timestamp,
        action: match from.action {
            view::HistoryAction::Create => HistoryAction::Create,
            view::HistoryAction::Restore => HistoryAction::Restore,
            view::HistoryAction::Delete => HistoryAction::Delete,
        },
        snapshot_id: from.snapshot.into(),
        details: from.details,
        message: from.message,
    }
}

/// What the check of the log found.
pub fn audit_verification(from: view::AuditReport) -> AuditVerification {
    AuditVerification {
        valid: from.valid,
        checked: from.checked,
        last_seq: from.last_seq,
        last_hash: from.last_hash,
        problems: from.problems,
    }
}
