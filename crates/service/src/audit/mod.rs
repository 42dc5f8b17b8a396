//! The event log and its views.

mod csv;
mod export_audit;
mod list_events;
mod record_denied;
mod show_event;
mod subscribe_events;
mod verify_audit;
mod visible;

/// The form of an exported audit trail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportFormat {
    /// RFC 4180 with a header line; cells that a spreadsheet would take for a formula begin with `'`.
    Csv,
    /// One JSON object a line.
    JsonLines,
}
