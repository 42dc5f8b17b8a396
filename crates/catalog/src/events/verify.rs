//! Proving that the log is whole.

use backstay_model::EventHash;
use backstay_model::event::{ChainFault, ChainVerifier, GENESIS};

use super::groups::Groups;
use super::list::EventFilter;
use crate::error::{CatalogError, Result};
use crate::session::Session;
use crate::sql::sql;

/// One place where the log is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChainBreak {
    /// The event with this number is wrong.
    Event {
        /// Its number.
        seq: u64,
        /// What is wrong with it.
        fault: ChainFault,
    },
    /// The event with this number cannot even be read.
    Unreadable {
        /// What is wrong with its row.
        detail: String,
    },
    /// Events at the end are missing: the head names a later one.
    Truncated {
        /// The number of the last event that is there.
        last: u64,
        /// The number that the head names.
        head: u64,
    },
    /// There are events after the one that the head names.
    BeyondHead {
        /// The number of the last event that is there.
        last: u64,
        /// The number that the head names.
        head: u64,
    },
    /// The last event is not the one that the head names: the end of the log was rewritten.
    HeadDiffers {
        /// The number of the last event.
        seq: u64,
    },
}

/// What a verification found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainReport {
    /// How many events were looked at.
    pub events: u64,
    /// The number and hash of the newest event: with it, anybody can later prove that what came before is unchanged.
    pub head: (u64, EventHash),
    /// Where the log is broken, in order; at most 1000 places.
    pub breaks: Vec<ChainBreak>,
}

impl ChainReport {
    /// Whether every event is as it was written.
    pub fn is_whole(&self) -> bool {
        self.breaks.is_empty()
    }
}

/// How many places a report names.
const BREAKS_MAX: usize = 1000;

impl Session {
    /// Reads the whole log and proves that nothing was altered, removed, inserted, reordered or cut off.
    ///
    /// Someone who can rewrite the whole database can rewrite the whole chain too; keep [`ChainReport::head`] elsewhere to
    /// notice that.
    pub async fn verify_chain(&mut self) -> Result<ChainReport> {
        // The head first: events that are appended meanwhile lie behind it.
        let head = self.event_head().await?;
        let mut report = ChainReport { events: 0, head, breaks: Vec::new() };
        let mut verifier = ChainVerifier::default();
        let mut at_head = if head.0 == 0 { GENESIS } else { EventHash::from_bytes([0xff; 32]) };
        let below = sql("verify the log", "SELECT count(*) FROM events WHERE seq < 1");
        if let Some(count) = self.number(below).await?.filter(|count| *count > 0) {
            let detail = format!("{count} events have numbers below 1");
            report.breaks.push(ChainBreak::Unreadable { detail });
        }
        if let Some(everything) = self.matching_events(&EventFilter::default()).await? {
            let mut groups = Groups::new(self, everything, u64::MAX);
            while let Some(group) = groups.next().await? {
                for event in group {
                    report.events += 1;
                    let found = match event {
                        Ok(event) => {
                            if event.seq == head.0 {
                                at_head = event.hash;
                            }
                            verifier.next(&event).map(|fault| ChainBreak::Event { seq: event.seq, fault })
                        }
                        Err(CatalogError::BrokenRow { column, id, detail, .. }) => {
                            Some(ChainBreak::Unreadable { detail: format!("event {id}, {column}: {detail}") })
                        }
                        Err(error) => return Err(error),
                    };
                    if report.breaks.len() < BREAKS_MAX {
                        report.breaks.extend(found);
                    }
                }
            }
        }
        let (last, _) = verifier.last();
        // What lies behind the head may have been appended since; then the head has moved too.
        let newest = if last > head.0 { self.event_head().await?.0 } else { head.0 };
        if last < head.0 {
            report.breaks.push(ChainBreak::Truncated { last, head: head.0 });
        } else if last > newest {
            report.breaks.push(ChainBreak::BeyondHead { last, head: newest });
        } else if at_head != head.1 {
            report.breaks.push(ChainBreak::HeadDiffers { seq: head.0 });
        }
        Ok(report)
    }
}
