//! The audit trail.

use backstay_api::audit::{AuditVerification, ExportQuery};
use backstay_api::event::{EventPage, EventQuery};
use reqwest::Method;

use crate::client::{Client, Result};
use crate::download::Download;

impl Client {
    /// Searches the audit trail, newest first.
    pub async fn search_audit(&self, query: &EventQuery) -> Result<EventPage> {
        self.fetch(self.api(Method::GET, &["audit"]).query(query)).await
    }

    /// Exports the audit trail as CSV, streamed.
    pub async fn export_audit_csv(&self, query: &ExportQuery) -> Result<Download> {
        self.download(self.api(Method::GET, &["audit", "export.csv"]).query(query)).await
    }

    /// Exports the audit trail as JSON Lines, streamed.
    pub async fn export_audit_jsonl(&self, query: &ExportQuery) -> Result<Download> {
        self.download(self.api(Method::GET, &["audit", "export.jsonl"]).query(query)).await
    }

    /// Proves that the log is whole.
    pub async fn verify_audit(&self) -> Result<AuditVerification> {
        self.fetch(self.api(Method::GET, &["audit", "verify"]).unlimited()).await
    }
}
