//! Which checkpoints of a job to keep: one pure function, shared by cleaning, preview and execution.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;

/// What a job's policy keeps. Without any rule everything is kept that has not outlived its own time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobRules {
    /// The newest so many, 1 to 10 000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_last: Option<u32>,
    /// Everything younger than this, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_for_s: Option<u64>,
    /// The newest one of every stretch of so many seconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_every_s: Option<u64>,
    /// Of an execution that has ended the newest so many, 1 to 10 000; for these checkpoints no other rule counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_after_completion: Option<u32>,
    /// After how many seconds without a save the whole job goes, at least a day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expire_job_after_idle_s: Option<u64>,
}

impl JobRules {
    /// What is wrong with the rules, field by field.
    pub fn problems(&self) -> Vec<(&'static str, &'static str)> {
        let mut found = Vec::new();
        if self.keep_last.is_some_and(|count| !(1..=10_000).contains(&count)) {
            found.push(("keep_last", "it takes 1 to 10000"));
        }
        if self.keep_for_s == Some(0) {
            found.push(("keep_for_s", "it takes at least 1"));
        }
        if self.keep_every_s == Some(0) {
            found.push(("keep_every_s", "it takes at least 1"));
        }
        if self.keep_after_completion.is_some_and(|count| !(1..=10_000).contains(&count)) {
            found.push(("keep_after_completion", "it takes 1 to 10000"));
        }
        if self.expire_job_after_idle_s.is_some_and(|seconds| seconds < 86_400) {
            found.push(("expire_job_after_idle_s", "it takes at least 86400, a day"));
        }
        found
    }

    /// Whether a rule says which checkpoints stay that belong to no ended execution.
    fn selects(&self) -> bool {
        self.keep_last.is_some() || self.keep_for_s.is_some() || self.keep_every_s.is_some()
    }
}

/// What retention knows of a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobCandidate {
    /// Its number in the catalog.
    pub number: i64,
    /// When it was saved.
    pub at: Timestamp,
    /// Whether its content is whole, as far as is known.
    pub good: bool,
    /// Whether it has a hold.
    pub held: bool,
    /// Whether it is pinned.
    pub pinned: bool,
    /// Whether nothing follows it.
    pub branch_head: bool,
    /// When its own time is over.
    pub expires_at: Option<Timestamp>,
    /// What needs it: an execution that has not ended, or a resume that is under way.
    pub needed: Option<JobReason>,
    /// The number of the execution that saved it, when that has ended.
    pub ended: Option<i64>,
}

/// Why a checkpoint stays or goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobReason {
    /// It is among the newest.
    Newest,
    /// It has a hold.
    Held,
    /// It is pinned.
    Pinned,
    /// An execution that waits for an approval stands at it.
    Approval,
    /// An execution that has not ended stands at it.
    Execution,
    /// A job is being resumed from it.
    Resume,
    /// It is the newest whose content is whole.
    LastGood,
    /// Nothing follows it: it is the end of a branch.
    BranchHead,
    /// It is younger than the policy's time.
    Young,
    /// It is the newest of its stretch of time.
    Every,
    /// It is among the newest of an execution that has ended.
    LastOfExecution,
    /// No rule says that anything goes.
    NoRule,
    /// The plan that is carried out did not show that it goes.
    NotShown,
    /// Its own time is over.
    Expired,
    /// The execution that saved it has ended, and newer ones of it stay.
    ExecutionEnded,
    /// No rule keeps it.
    Unkept,
}

impl JobReason {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Newest => "newest",
            Self::Held => "held",
            Self::Pinned => "pinned",
            Self::Approval => "approval",
            Self::Execution => "execution",
            Self::Resume => "resume",
            Self::LastGood => "last_good",
            Self::BranchHead => "branch_head",
            Self::Young => "young",
            Self::Every => "every",
            Self::LastOfExecution => "last_of_execution",
            Self::NoRule => "no_rule",
            Self::NotShown => "not_shown",
            Self::Expired => "expired",
            Self::ExecutionEnded => "execution_ended",
            Self::Unkept => "unkept",
        }
    }
}

/// What is to happen to one checkpoint, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobDecision {
    /// The checkpoint.
    pub number: i64,
    /// Whether it stays.
    pub keep: bool,
    /// The first reason that holds.
    pub reason: JobReason,
}

/// Decides about every checkpoint of one job, given newest first.
///
/// Held, pinned and needed ones, the newest good one and the ends of branches stay whatever the rules say. Of the rest, what has
/// outlived its own time goes; then the rules decide: about those of ended executions `keep_after_completion` alone, when there is
/// that rule.
pub fn decide(rules: &JobRules, newest_first: &[JobCandidate], now: Timestamp) -> Vec<JobDecision> {
    let last_good = newest_first.iter().find(|candidate| candidate.good).map(|candidate| candidate.number);
    let mut stretches = std::collections::HashSet::new();
    let mut rank = 0;
    let mut ranks: std::collections::HashMap<i64, u32> = std::collections::HashMap::new();
    newest_first
        .iter()
        .map(|candidate| {
            let first_of_stretch = rules.keep_every_s.is_some_and(|every| {
                stretches
                    .insert(candidate.at.as_seconds().div_euclid(i64::try_from(every).unwrap_or(i64::MAX)))
            });
            let expired = candidate.expires_at.is_some_and(|at| at <= now);
            let young =
                rules.keep_for_s.is_some_and(|seconds| now.seconds_since(candidate.at) < seconds as f64);
            rank += 1;
            let last_of_ended = rules.keep_after_completion.zip(candidate.ended).map(|(count, execution)| {
                let rank = ranks.entry(execution).or_default();
                *rank += 1;
                *rank <= count
            });
            let among_newest = last_of_ended.is_none() && rules.keep_last.is_some_and(|count| rank <= count);
            let (keep, reason) = if candidate.held {
                (true, JobReason::Held)
            } else if candidate.pinned {
                (true, JobReason::Pinned)
            } else if let Some(reason) = candidate.needed {
                (true, reason)
            } else if among_newest && !expired {
                (true, JobReason::Newest)
            } else if last_of_ended == Some(true) && !expired {
                (true, JobReason::LastOfExecution)
            } else if Some(candidate.number) == last_good {
                (true, JobReason::LastGood)
            } else if candidate.branch_head {
                (true, JobReason::BranchHead)
            } else if expired {
                (false, JobReason::Expired)
            } else if last_of_ended.is_some() {
                (false, JobReason::ExecutionEnded)
            } else if !rules.selects() {
                (true, JobReason::NoRule)
            } else if young {
                (true, JobReason::Young)
            } else if first_of_stretch {
                (true, JobReason::Every)
            } else {
                (false, JobReason::Unkept)
            };
            JobDecision { number: candidate.number, keep, reason }
        })
        .collect()
}

/// When to decide about a job again although nothing is saved to it: when the next checkpoint outlives its own time or
/// the policy's, or the job will have been idle for long enough; `None` for never.
///
/// `decisions` are those of [`decide`] about the same candidates, `last_saved_at` is when the job was last saved to.
pub fn next_decision_at(
    rules: &JobRules,
    candidates: &[JobCandidate],
    decisions: &[JobDecision],
    last_saved_at: Timestamp,
    now: Timestamp,
) -> Option<Timestamp> {
    let after = |at: Timestamp, seconds: u64| at.plus_seconds(i64::try_from(seconds).unwrap_or(i64::MAX));
    let own = candidates.iter().filter_map(|candidate| candidate.expires_at);
    let young = rules.keep_for_s.into_iter().flat_map(|seconds| {
        let young =
            candidates.iter().zip(decisions).filter(|(_, decision)| decision.reason == JobReason::Young);
        young.map(move |(candidate, _)| after(candidate.at, seconds))
    });
    let idle = rules.expire_job_after_idle_s.map(|seconds| after(last_saved_at, seconds));
    own.chain(young).chain(idle).filter(|at| *at > now).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_767_435_330_000_000);

    /// Five in a row, newest first: numbers 5 to 1.
    fn five() -> Vec<JobCandidate> {
        (0..5)
            .map(|age| JobCandidate {
                number: 5 - age,
                at: NOW.plus_seconds(-age * 100),
                good: true,
                held: false,
                pinned: false,
                branch_head: age == 0,
                expires_at: None,
                needed: None,
                ended: None,
            })
            .collect()
    }

    fn kept(rules: &JobRules, candidates: &[JobCandidate]) -> Vec<i64> {
        decide(rules, candidates, NOW).iter().filter(|d| d.keep).map(|d| d.number).collect()
    }

    fn last(count: u32) -> JobRules {
        JobRules { keep_last: Some(count), ..JobRules::default() }
    }

    #[test]
    fn the_newest_stay_and_protected_ones_besides() {
        assert_eq!(kept(&last(3), &five()), [5, 4, 3]);
        assert_eq!(kept(&last(10), &five()).len(), 5);
        assert_eq!(kept(&JobRules::default(), &five()).len(), 5);
        let mut candidates = five();
        candidates[4].held = true;
        candidates[3].pinned = true;
        candidates[2].branch_head = true;
        assert_eq!(kept(&last(1), &candidates), [5, 3, 2, 1]);
    }

    #[test]
    fn the_newest_good_one_stays_behind_a_damaged_newest() {
        let mut candidates = five();
        candidates[0].good = false;
        assert_eq!(kept(&last(1), &candidates), [5, 4]);
    }

    #[test]
    fn of_an_ended_execution_the_newest_stay_and_no_other_rule_counts() {
        let mut candidates = five();
        // 5 belongs to none, 4 and 2 to one that ended, 3 and 1 to another.
        for (place, execution) in [(1, 70), (2, 80), (3, 70), (4, 80)] {
            candidates[place].ended = Some(execution);
        }
        let rules = JobRules { keep_after_completion: Some(1), ..JobRules::default() };
        assert_eq!(kept(&rules, &candidates), [5, 4, 3]);
        let reasons: Vec<JobReason> = decide(&rules, &candidates, NOW).iter().map(|d| d.reason).collect();
        let last = JobReason::LastOfExecution;
        assert_eq!(
            reasons,
            [JobReason::LastGood, last, last, JobReason::ExecutionEnded, JobReason::ExecutionEnded]
        );
        assert_eq!(kept(&JobRules { keep_last: Some(5), ..rules.clone() }, &candidates), [5, 4, 3]);
        assert_eq!(
            kept(
                &JobRules { keep_last: Some(1), keep_after_completion: Some(2), ..JobRules::default() },
                &candidates
            )
            .len(),
            5
        );
        // What is protected stays, and its own time counts.
        candidates[3].held = true;
        candidates[1].expires_at = Some(NOW);
        assert_eq!(kept(&rules, &candidates), [5, 3, 2]);
        candidates[4].needed = Some(JobReason::Execution);
        assert_eq!(kept(&rules, &candidates), [5, 3, 2, 1]);
        assert_eq!(JobRules { keep_after_completion: Some(0), ..JobRules::default() }.problems().len(), 1);
    }

    #[test]
    fn times_and_stretches_are_rules_too() {
        let rules = JobRules { keep_for_s: Some(150), ..JobRules::default() };
        assert_eq!(kept(&rules, &five()), [5, 4]);
        let rules = JobRules { keep_every_s: Some(1_000_000), ..JobRules::default() };
        assert_eq!(kept(&rules, &five()), [5]);
        let mut candidates = five();
        candidates[2].expires_at = Some(NOW);
        assert_eq!(kept(&last(5), &candidates), [5, 4, 2, 1]);
    }

    #[test]
    fn what_is_kept_is_kept_again() {
        let rules = JobRules { keep_last: Some(1), keep_every_s: Some(200), ..JobRules::default() };
        let first = kept(&rules, &five());
        let left: Vec<_> = five().into_iter().filter(|c| first.contains(&c.number)).collect();
        assert_eq!(kept(&rules, &left), first);
    }

    #[test]
    fn a_job_is_looked_at_again_when_time_changes_something() {
        let next = |rules: &JobRules, candidates: &[JobCandidate]| {
            let decisions = decide(rules, candidates, NOW);
            next_decision_at(rules, candidates, &decisions, NOW, NOW)
        };
        assert_eq!(next(&last(2), &five()), None);
        let rules = JobRules { keep_for_s: Some(350), ..JobRules::default() };
        // The oldest that is young was saved 300 s ago; what is kept for another reason needs no look.
        assert_eq!(next(&rules, &five()), Some(NOW.plus_seconds(50)));
        let mut candidates = five();
        candidates[1].expires_at = Some(NOW.plus_seconds(7));
        candidates[2].expires_at = Some(NOW.plus_seconds(-7));
        assert_eq!(next(&last(2), &candidates), Some(NOW.plus_seconds(7)));
        let rules = JobRules { expire_job_after_idle_s: Some(86_400), ..JobRules::default() };
        assert_eq!(next(&rules, &five()), Some(NOW.plus_seconds(86_400)));
    }
}
