//! Which snapshots to keep: one pure function, shared by preview, simulation and execution.
//!
//! [`decide`] looks at every snapshot of every source it is given and answers with a decision and its reasons.
//! Whatever the rules say, it keeps:
//!
//! - a snapshot with a hold in force (a pin is a hold) or with a reference to it;
//! - the newest good snapshot of a source, and the newest good one that covers the source whole;
//! - the undo points: safety snapshots younger than [`SAFETY_DAYS`] days or among the newest [`Rules::keep_undo`];
//! - what is being written, and what is dated later than `now` (a clock that jumped back must not cost a snapshot);
//! - every member of a group of which one member is kept.
//!
//! *Good* is a snapshot that is ready and complete. One that is partial never takes the place of a good one: it is
//! kept where a rule reaches it, and it does not count. Failed ones are kept for diagnosis until a good one follows
//! and [`DIAGNOSIS_DAYS`] days have passed.
//!
//! The decisions depend on the set of snapshots, not on their order; what [`decide`] keeps it keeps again when asked
//! about the remainder; and a further rule or a higher number never removes what was kept.

pub mod job;
mod reason;
mod rules;
pub mod training;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Zoned;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::id::{SnapshotId, SourceId};
use crate::snapshot::{SnapshotState, Trigger};

pub use reason::{Period, Reason};
pub use rules::{InvalidWithin, Rules, Within};

/// For how many days a safety snapshot is kept in any case.
pub const SAFETY_DAYS: i64 = 7;

/// For how many days a failed snapshot is kept in any case.
pub const DIAGNOSIS_DAYS: i64 = 7;

/// What retention knows of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The snapshot.
    pub id: SnapshotId,
    /// Its source; every rule counts per source.
    pub source: SourceId,
    /// When it was taken.
    pub created_at: Timestamp,
    /// Where it is in its life. One that is `deleting` or `deleted` gets no decision.
    pub state: SnapshotState,
    /// Why it was taken.
    pub trigger: Trigger,
    /// Whether everything in its scope could be read.
    pub complete: bool,
    /// Whether its scope is the whole source.
    pub whole: bool,
    /// The group capture it is a member of.
    pub group: Option<String>,
}

/// A hold as retention sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldOn {
    /// The held snapshot.
    pub snapshot: SnapshotId,
    /// Why it is held, for a person.
    pub reason: String,
    /// Until when; `None` means until it is released.
    pub until: Option<Timestamp>,
}

/// Something that needs a snapshot, for example an unfinished operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReferenceTo {
    /// The needed snapshot.
    pub snapshot: SnapshotId,
    /// What needs it, for a person.
    pub by: String,
}

/// What is to happen to one snapshot, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// The snapshot.
    pub id: SnapshotId,
    /// Its source.
    pub source: SourceId,
    /// When it was taken.
    pub created_at: Timestamp,
    /// Whether it stays.
    pub keep: bool,
    /// Why: at least one reason.
    pub reasons: Vec<Reason>,
}

/// Decides about every snapshot that is not yet being deleted, newest first within each source.
///
/// `zone` is where days, weeks, months and years begin.
pub fn decide(
    rules: &Rules,
    snapshots: &[Candidate],
    holds: &[HoldOn],
    references: &[ReferenceTo],
    now: Timestamp,
    zone: &TimeZone,
) -> Vec<Decision> {
    let mut reasons = Reasons::default();
    for hold in holds.iter().filter(|hold| hold.until.is_none_or(|until| until > now)) {
        reasons.keep(&hold.snapshot, Reason::Held { reason: hold.reason.clone() });
    }
    for reference in references {
        reasons.keep(&reference.snapshot, Reason::Referenced { by: reference.by.clone() });
    }
    let mut by_source: BTreeMap<&SourceId, Vec<&Candidate>> = BTreeMap::new();
    for snapshot in snapshots {
        if !matches!(snapshot.state, SnapshotState::Deleting | SnapshotState::Deleted) {
            by_source.entry(&snapshot.source).or_default().push(snapshot);
        }
    }
    for group in by_source.values_mut() {
        group.sort_by(|a, b| (b.created_at, &b.id).cmp(&(a.created_at, &a.id)));
        group.dedup_by(|a, b| a.id == b.id);
        decide_source(rules, group, now, zone, &mut reasons);
    }
    keep_groups_whole(&by_source, &mut reasons);

    let decision = |snapshot: &Candidate| {
        let kept = reasons.of.get(&snapshot.id);
        Decision {
            id: snapshot.id.clone(),
            source: snapshot.source.clone(),
            created_at: snapshot.created_at,
            keep: kept.is_some(),
            reasons: kept.map_or_else(
                || vec![if is_failed(snapshot) { Reason::Failed } else { Reason::NoRule }],
                |reasons| reasons.iter().cloned().collect(),
            ),
        }
    };
    by_source.values().flatten().map(|snapshot| decision(snapshot)).collect()
}

/// The reasons to keep a snapshot, in the order of [`Reason`], each once.
#[derive(Default)]
struct Reasons {
    of: BTreeMap<SnapshotId, BTreeSet<Reason>>,
}

impl Reasons {
    fn keep(&mut self, id: &SnapshotId, reason: Reason) {
        self.of.entry(id.clone()).or_default().insert(reason);
    }
}

fn is_good(snapshot: &Candidate) -> bool {
    snapshot.state == SnapshotState::Ready && snapshot.complete
}

fn is_failed(snapshot: &Candidate) -> bool {
    snapshot.state == SnapshotState::Failed
}

/// `snapshots` are those of one source, newest first.
fn decide_source(
    rules: &Rules,
    snapshots: &[&Candidate],
    now: Timestamp,
    zone: &TimeZone,
    reasons: &mut Reasons,
) {
    let (future, past): (Vec<&Candidate>, Vec<&Candidate>) =
        snapshots.iter().copied().partition(|snapshot| snapshot.created_at > now);
    for snapshot in future {
        reasons.keep(&snapshot.id, Reason::Future);
    }
    for snapshot in past.iter().filter(|snapshot| snapshot.state == SnapshotState::Creating) {
        reasons.keep(&snapshot.id, Reason::Creating);
    }

    let newest_good = past.iter().find(|snapshot| is_good(snapshot));
    let newest_whole = past
        .iter()
        .find(|snapshot| is_good(snapshot) && snapshot.whole && snapshot.trigger != Trigger::Safety);
    for snapshot in newest_good.into_iter().chain(newest_whole) {
        reasons.keep(&snapshot.id, Reason::LastGood);
    }

    let young = |snapshot: &Candidate, days: i64| snapshot.created_at.plus_seconds(days * 86_400) > now;
    for snapshot in past.iter().filter(|snapshot| is_failed(snapshot)) {
        let followed = newest_good.is_some_and(|good| good.created_at >= snapshot.created_at);
        if !followed || young(snapshot, DIAGNOSIS_DAYS) {
            reasons.keep(&snapshot.id, Reason::Diagnosis);
        }
    }

    let ready = past.iter().copied().filter(|snapshot| snapshot.state == SnapshotState::Ready);
    let (safety, ordinary): (Vec<_>, Vec<_>) =
        ready.partition(|snapshot| snapshot.trigger == Trigger::Safety);
    for (rank, snapshot) in safety.iter().enumerate() {
        if rank < rules.keep_undo as usize || young(snapshot, SAFETY_DAYS) {
            reasons.keep(&snapshot.id, Reason::UndoPoint);
        }
    }

    keep_last(rules.keep_last, &ordinary, reasons);
    for period in Period::ALL {
        keep_periods(*period, rules.count(*period), &ordinary, zone, reasons);
    }
    if let Some(within) = rules.keep_within {
        let since = within.before(now, zone);
        for snapshot in ordinary.iter().filter(|snapshot| snapshot.created_at >= since) {
            reasons.keep(&snapshot.id, Reason::Within { within });
        }
    }
}

/// Keeps the newest `count` good ones and the partial ones among them.
fn keep_last(count: u32, ordinary: &[&Candidate], reasons: &mut Reasons) {
    let mut good = 0;
    for snapshot in ordinary {
        if good >= count {
            break;
        }
        good += u32::from(snapshot.complete);
        reasons.keep(&snapshot.id, Reason::Last { rank: good.max(1), of: count });
    }
}

/// Keeps the newest good one of each of the newest `count` periods that have a good one, and of the periods between
/// them that have none the newest partial one.
fn keep_periods(period: Period, count: u32, ordinary: &[&Candidate], zone: &TimeZone, reasons: &mut Reasons) {
    if count == 0 {
        return;
    }
    let mut names: Vec<(String, &Candidate)> = Vec::new();
    for snapshot in ordinary {
        let name = period.name(&Zoned::new(snapshot.created_at.to_jiff(), zone.clone()));
        match names.iter_mut().rev().find(|(known, _)| *known == name) {
            Some((_, best)) if snapshot.complete && !best.complete => *best = snapshot,
            Some(_) => {}
            None => names.push((name, snapshot)),
        }
        if names.iter().filter(|(_, best)| best.complete).count() > count as usize {
            names.pop();
            break;
        }
    }
    for (name, snapshot) in names {
        reasons.keep(&snapshot.id, Reason::Period { period, name });
    }
}

fn keep_groups_whole(by_source: &BTreeMap<&SourceId, Vec<&Candidate>>, reasons: &mut Reasons) {
    let members =
        || by_source.values().flatten().filter_map(|snapshot| Some((snapshot.group.as_ref()?, snapshot)));
    let kept: BTreeSet<&String> = members()
        .filter(|(_, snapshot)| reasons.of.contains_key(&snapshot.id))
        .map(|(group, _)| group)
        .collect();
    for (group, snapshot) in members() {
        if kept.contains(group) && !reasons.of.contains_key(&snapshot.id) {
            reasons.keep(&snapshot.id, Reason::Group { group: group.clone() });
        }
    }
}

#[cfg(test)]
mod tests;
