//! Proves the hash chain.

use backstay_catalog::ChainBreak;
use backstay_model::{Action, Caller, Subject};

use crate::error::Result;
use crate::service::Service;
use crate::view::AuditReport;

/// How many problems are told.
const MOST_PROBLEMS: usize = 100;

impl Service {
    /// Recomputes the chain of the whole log.
    pub async fn verify_audit(&self, caller: &Caller) -> Result<AuditReport> {
        self.permit(caller, None, Action::Audit, &Subject::new("events", &caller.tenant)).await?;
        let report = self.read().await?.verify_chain().await?;
        let problems = report.breaks.iter().take(MOST_PROBLEMS).map(describe).collect();
        Ok(AuditReport {
            valid: report.breaks.is_empty(),
            checked: report.events,
            last_seq: report.head.0,
            last_hash: report.head.1.to_string(),
            problems,
        })
    }
}

fn describe(found: &ChainBreak) -> String {
    use backstay_model::event::ChainFault;
    match found {
        ChainBreak::Event { seq, fault: ChainFault::Altered } => {
            format!("event {seq} was altered: its content does not have its hash")
        }
        ChainBreak::Event { seq, fault: ChainFault::Missing { expected } } => match seq.checked_sub(1) {
            Some(last) if last > *expected => format!("events {expected} to {last} are missing"),
            _ => format!("event {expected} is missing"),
        },
        ChainBreak::Event { seq, fault: ChainFault::OutOfOrder { expected } } => {
            format!("event {seq} was inserted or moved: number {expected} was expected")
        }
        ChainBreak::Event { seq, fault: ChainFault::Unlinked } => {
            format!("event {seq} does not follow the one before it: something before it was exchanged")
        }
        ChainBreak::Unreadable { detail } => format!("an event cannot be read: {detail}"),
        ChainBreak::Truncated { last, head } => {
            format!("the log ends at event {last}, but it had reached {head}")
        }
        ChainBreak::BeyondHead { last, head } => {
            format!("the log goes on to event {last}, but its head is {head}")
        }
        ChainBreak::HeadDiffers { seq } => {
            format!("the end of the log was rewritten: event {seq} is not its head")
        }
    }
}
