//! Which snapshots of a training run to keep: one pure function, shared by preview and execution.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::SAFETY_DAYS;
use crate::clock::Timestamp;
use crate::id::SnapshotId;

/// What of a run to keep. A snapshot that any rule keeps is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainingRules {
    /// The newest so many.
    pub last: u32,
    /// The best by a metric.
    pub best: Option<Best>,
    /// The first of every stretch of so many epochs.
    pub every: Option<u64>,
    /// Whether snapshots that a person asked for go, too.
    pub manual: bool,
}

/// The best by a metric. Snapshots without the metric, or for which it is no number, are never among them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Best {
    /// How many.
    pub k: u32,
    /// The metric, for example `loss`.
    pub metric: String,
    /// Which way is better.
    pub mode: Mode,
}

/// Which way a metric is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Less is better.
    Min,
    /// More is better.
    Max,
}

impl Default for TrainingRules {
    fn default() -> Self {
        let best = Best { k: 3, metric: "loss".to_owned(), mode: Mode::Min };
        Self { last: 20, best: Some(best), every: None, manual: false }
    }
}

impl TrainingRules {
    /// What is wrong with the rules, field by field.
    pub fn problems(&self) -> Vec<(&'static str, &'static str)> {
        let mut found = Vec::new();
        if self.every == Some(0) {
            found.push(("every", "it takes at least 1"));
        }
        if let Some(best) = &self.best
            && (best.metric.is_empty() || best.metric.len() > 100)
        {
            found.push(("best.metric", "it takes 1 to 100 characters"));
        }
        found
    }
}

/// What retention knows of a ready snapshot of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainingCandidate {
    /// The snapshot.
    pub id: SnapshotId,
    /// When it was taken.
    pub created_at: Timestamp,
    /// The epoch at which it was.
    pub epoch: u64,
    /// Its metrics.
    pub metrics: BTreeMap<String, f64>,
    /// Whether a person asked for it.
    pub manual: bool,
    /// Since when something can be undone with it: since it was taken for that, or since a restore left its state.
    pub safety_since: Option<Timestamp>,
    /// Whether the run was restored to it and goes on from it.
    pub restored: bool,
    /// Whether its content is whole, as far as is known.
    pub good: bool,
    /// Whether it is pinned or held.
    pub held: bool,
    /// The run that was forked from it.
    pub parent_of: Option<String>,
}

/// Why a snapshot stays or goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum TrainingReason {
    /// It is pinned or held.
    Held,
    /// It is the newest whose content is whole.
    LastGood,
    /// A run was forked from it.
    ParentOf {
        /// The run.
        run: String,
    },
    /// The run was restored to it and goes on from it.
    Restored,
    /// Something that is less than a week ago can be undone with it.
    Safety,
    /// It is dated later than now.
    Future,
    /// A person asked for it.
    Manual,
    /// It is among the newest.
    Last {
        /// Its place, from 1.
        rank: u32,
    },
    /// It is among the best.
    Best {
        /// Its place, from 1.
        rank: u32,
        /// The metric.
        metric: String,
    },
    /// It is the first of a stretch of epochs.
    Every {
        /// Where the stretch begins.
        epoch: u64,
    },
    /// Removed: no rule keeps it.
    NoRule,
}

impl TrainingReason {
    /// A stable word.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::LastGood => "last_good",
            Self::ParentOf { .. } => "parent_of",
            Self::Restored => "restored",
            Self::Safety => "safety",
            Self::Future => "future",
            Self::Manual => "manual",
            Self::Last { .. } => "last",
            Self::Best { .. } => "best",
            Self::Every { .. } => "every",
            Self::NoRule => "no_rule",
        }
    }
}

impl std::fmt::Display for TrainingReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Held => f.write_str("pinned or held"),
            Self::LastGood => f.write_str("last good one"),
            Self::ParentOf { run } => write!(f, "{run} was forked from it"),
            Self::Restored => f.write_str("the run was restored to it"),
            Self::Safety => f.write_str("safety snapshot"),
            Self::Future => f.write_str("dated later than now"),
            Self::Manual => f.write_str("asked for by a person"),
            Self::Last { rank } => write!(f, "last {rank}"),
            Self::Best { rank, metric } => write!(f, "best {rank} by {metric}"),
            Self::Every { epoch } => write!(f, "first from epoch {epoch} on"),
            Self::NoRule => f.write_str("no rule keeps it"),
        }
    }
}

/// What is to happen to one snapshot, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrainingDecision {
    /// The snapshot.
    pub id: SnapshotId,
    /// When it was taken.
    pub created_at: Timestamp,
    /// Whether it stays.
    pub keep: bool,
    /// Why: at least one reason.
    pub reasons: Vec<TrainingReason>,
}

/// Decides about every ready snapshot of one run, newest first.
///
/// Whatever the rules say, what is held, the newest good one, what the run was restored to, the parents of forks, young safety snapshots
/// and what is dated later than `now` stay. The decisions depend on the set of snapshots, not on their order, and what is kept is kept again among the remainder.
pub fn decide(
    rules: &TrainingRules,
    snapshots: &[TrainingCandidate],
    now: Timestamp,
) -> Vec<TrainingDecision> {
    let mut newest_first: Vec<&TrainingCandidate> = snapshots.iter().collect();
    newest_first.sort_by(|a, b| (b.created_at, &b.id).cmp(&(a.created_at, &a.id)));
    let last_good = newest_first.iter().find(|one| one.good).map(|one| &one.id);
    let best = best(rules, &newest_first);
    let firsts = firsts(rules, &newest_first);
    let decide_one = |(index, one): (usize, &&TrainingCandidate)| {
        let mut reasons = Vec::new();
        if one.held {
            reasons.push(TrainingReason::Held);
        }
        if last_good == Some(&one.id) {
            reasons.push(TrainingReason::LastGood);
        }
        if let Some(run) = &one.parent_of {
            reasons.push(TrainingReason::ParentOf { run: run.clone() });
        }
        if one.restored {
            reasons.push(TrainingReason::Restored);
        }
        if one.safety_since.is_some_and(|since| now.seconds_since(since) < (SAFETY_DAYS * 86_400) as f64) {
            reasons.push(TrainingReason::Safety);
        }
        if one.created_at > now {
            reasons.push(TrainingReason::Future);
        }
        if one.manual && !rules.manual {
            reasons.push(TrainingReason::Manual);
        }
        if (index as u64) < u64::from(rules.last) {
            reasons.push(TrainingReason::Last { rank: index as u32 + 1 });
        }
        reasons.extend(best.get(&one.id).cloned());
        if let (Some(every), true) = (rules.every, firsts.contains(&one.id)) {
            reasons.push(TrainingReason::Every { epoch: one.epoch / every * every });
        }
        let keep = !reasons.is_empty();
        if !keep {
            reasons.push(TrainingReason::NoRule);
        }
        TrainingDecision { id: one.id.clone(), created_at: one.created_at, keep, reasons }
    };
    newest_first.iter().enumerate().map(decide_one).collect()
}

/// The best; of equals the one of the earlier epoch, then the older one.
fn best(rules: &TrainingRules, all: &[&TrainingCandidate]) -> BTreeMap<SnapshotId, TrainingReason> {
    let Some(Best { k, metric, mode }) = &rules.best else { return BTreeMap::new() };
    let value = |one: &TrainingCandidate| one.metrics.get(metric).copied().filter(|value| !value.is_nan());
    let mut ranked: Vec<(f64, &TrainingCandidate)> =
        all.iter().filter(|one| one.good).filter_map(|one| Some((value(one)?, *one))).collect();
    ranked.sort_by(|(a, left), (b, right)| {
        let by_value = if *mode == Mode::Min { a.total_cmp(b) } else { b.total_cmp(a) };
        by_value.then_with(|| {
            (left.epoch, left.created_at, &left.id).cmp(&(right.epoch, right.created_at, &right.id))
        })
    });
    let reason = |rank: usize| TrainingReason::Best { rank: rank as u32 + 1, metric: metric.clone() };
    let ranked = ranked.into_iter().take(*k as usize).enumerate();
    ranked.map(|(rank, (_, one))| (one.id.clone(), reason(rank))).collect()
}

/// The first of each stretch of epochs.
fn firsts(rules: &TrainingRules, all: &[&TrainingCandidate]) -> BTreeSet<SnapshotId> {
    let Some(every) = rules.every.filter(|every| *every > 0) else { return BTreeSet::new() };
    let mut first: BTreeMap<u64, &TrainingCandidate> = BTreeMap::new();
    for one in all.iter().filter(|one| one.good) {
        let order = |one: &TrainingCandidate| (one.epoch, one.created_at, one.id.clone());
        let place = first.entry(one.epoch / every).or_insert(one);
        if order(one) < order(place) {
            *place = one;
        }
    }
    first.into_values().map(|one| one.id.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SeededRng;

    const NOW: i64 = 1_800_000_000_000_000;

    /// Snapshots a minute apart, the oldest first, of these epochs and losses.
    fn candidates(of: &[(u64, f64)]) -> Vec<TrainingCandidate> {
        let rng = SeededRng::new(1);
        let one = |(index, (epoch, loss)): (usize, &(u64, f64))| {
            let created_at = Timestamp::from_micros(NOW - 86_400_000_000 * 30 + index as i64 * 60_000_000);
            TrainingCandidate {
                id: SnapshotId::generate(created_at, &rng),
                created_at,
                epoch: *epoch,
                metrics: [("loss".to_owned(), *loss)].into(),
                manual: false,
                safety_since: None,
                restored: false,
                good: true,
                held: false,
                parent_of: None,
            }
        };
        of.iter().enumerate().map(one).collect()
    }

    fn kept(rules: &TrainingRules, all: &[TrainingCandidate]) -> Vec<u64> {
        let kept: BTreeSet<SnapshotId> = decide(rules, all, Timestamp::from_micros(NOW))
            .into_iter()
            .filter(|decision| decision.keep)
            .map(|decision| decision.id)
            .collect();
        all.iter().filter(|one| kept.contains(&one.id)).map(|one| one.epoch).collect()
    }

    fn rules(last: u32, k: u32, every: Option<u64>) -> TrainingRules {
        let best = Best { k, metric: "loss".to_owned(), mode: Mode::Min };
        TrainingRules { last, best: Some(best), every, manual: false }
    }

    #[test]
    fn the_union_of_the_rules_stays() {
        let mut all = candidates(&[(10, 0.9), (20, 0.1), (30, 0.5), (40, 0.4), (50, 0.6), (60, 0.7)]);
        all[0].held = true;
        assert_eq!(kept(&rules(2, 1, None), &all), [10, 20, 50, 60]);
        assert_eq!(kept(&rules(0, 0, None), &all), [10, 60], "the held one and the last good one");
        assert_eq!(kept(&rules(0, 0, Some(30)), &all), [10, 30, 60]);
    }

    #[test]
    fn what_is_no_number_is_never_best_and_the_earlier_of_equals_is() {
        let all = candidates(&[(10, f64::NAN), (30, 0.5), (20, 0.5), (40, 0.9), (50, 0.9)]);
        assert_eq!(kept(&rules(0, 1, None), &all), [20, 50]);
        let most = TrainingRules {
            best: Some(Best { k: 1, metric: "loss".to_owned(), mode: Mode::Max }),
            ..rules(0, 0, None)
        };
        assert_eq!(kept(&most, &all), [40, 50]);
    }

    #[test]
    fn what_others_need_and_what_a_person_asked_for_stays() {
        let mut all = candidates(&[(10, 0.5), (20, 0.5), (30, 0.5), (40, 0.5), (50, 0.5)]);
        all[0].parent_of = Some("fork".to_owned());
        all[1].manual = true;
        all[2].safety_since = Some(all[2].created_at);
        all[4].good = false;
        // The safety snapshot is older than a week; the newest is damaged, so the one before it stays too.
        assert_eq!(kept(&rules(1, 0, None), &all), [10, 20, 40, 50]);
        assert_eq!(kept(&TrainingRules { manual: true, ..rules(1, 0, None) }, &all), [10, 40, 50]);
        all[2].safety_since = Some(Timestamp::from_micros(NOW - 86_400_000_000));
        assert!(kept(&rules(0, 0, None), &all).contains(&30), "a restore left it yesterday");
        all[1] = TrainingCandidate { manual: false, restored: true, ..all[1].clone() };
        assert!(kept(&rules(0, 0, None), &all).contains(&20));
    }

    #[test]
    fn what_is_kept_is_kept_again() {
        let all = candidates(&[(1, 0.3), (2, 0.2), (3, 0.2), (7, 0.1), (8, 0.4), (15, 0.2), (16, 0.9)]);
        for last in 0..4 {
            for k in 0..4 {
                let rules = rules(last, k, Some(5));
                let first = kept(&rules, &all);
                let left: Vec<_> = all.iter().filter(|one| first.contains(&one.epoch)).cloned().collect();
                assert_eq!(kept(&rules, &left), first);
            }
        }
    }
}
