use proptest::prelude::*;

use super::*;

const DAY: i64 = 86_400;

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn id(text: &str) -> SnapshotId {
    SnapshotId::parse(text).unwrap()
}

fn ready(name: &str, created_at: Timestamp) -> Candidate {
    Candidate {
        id: id(name),
        source: SourceId::parse("src").unwrap(),
        created_at,
        state: SnapshotState::Ready,
        trigger: Trigger::Manual,
        complete: true,
        whole: true,
        group: None,
    }
}

fn decide_utc(rules: &Rules, snapshots: &[Candidate], now: Timestamp) -> Vec<Decision> {
    decide(rules, snapshots, &[], &[], now, &TimeZone::UTC)
}

fn kept(decisions: &[Decision]) -> Vec<&str> {
    decisions.iter().filter(|decision| decision.keep).map(|decision| decision.id.as_str()).collect()
}

const NOW: &str = "2026-06-15T12:00:00Z";

#[test]
fn keep_nothing_keeps_the_last_good_and_the_held() {
    let now = at(NOW);
    let snapshots: Vec<_> =
        (1..=5).map(|age| ready(&format!("s{age}"), now.plus_seconds(-age * DAY))).collect();
    let holds = [HoldOn { snapshot: id("s4"), reason: "audit".into(), until: None }];
    let decisions = decide(&Rules::last(0), &snapshots, &holds, &[], now, &TimeZone::UTC);
    assert_eq!(kept(&decisions), ["s1", "s4"]);
    assert_eq!(decisions[0].reasons, [Reason::LastGood]);
    assert_eq!(decisions[3].reasons, [Reason::Held { reason: "audit".into() }]);
    assert_eq!(decisions[4].reasons, [Reason::NoRule]);
}

#[test]
fn a_hold_ends_at_its_date_and_a_reference_counts() {
    let now = at(NOW);
    let snapshots: Vec<_> =
        (1..=3).map(|age| ready(&format!("s{age}"), now.plus_seconds(-age * DAY))).collect();
    let holds = [HoldOn { snapshot: id("s2"), reason: String::new(), until: Some(now) }];
    let references = [ReferenceTo { snapshot: id("s3"), by: "operation op-1".into() }];
    let decisions = decide(&Rules::last(0), &snapshots, &holds, &references, now, &TimeZone::UTC);
    assert_eq!(kept(&decisions), ["s1", "s3"]);
    assert_eq!(decisions[2].reasons[0].to_string(), "needed by operation op-1");
}

#[test]
fn partial_and_failed_ones_do_not_take_the_place_of_good_ones() {
    let now = at(NOW);
    let mut partial = ready("partial", now.plus_seconds(-DAY));
    partial.complete = false;
    let mut failed = ready("failed", now.plus_seconds(-10 * DAY));
    failed.state = SnapshotState::Failed;
    let good = ready("good", now.plus_seconds(-2 * DAY));
    let older = ready("older", now.plus_seconds(-3 * DAY));
    let all = [partial, failed, good, older];
    assert_eq!(kept(&decide_utc(&Rules::last(1), &all, now)), ["partial", "good"]);
    let without_rule = decide_utc(&Rules::last(0), &all, now);
    assert_eq!(kept(&without_rule), ["good"]);
    assert_eq!(without_rule[3].reasons, [Reason::Failed]);
}

#[test]
fn a_failed_one_stays_while_no_good_one_follows() {
    let now = at(NOW);
    let mut failed = ready("failed", now.plus_seconds(-100 * DAY));
    failed.state = SnapshotState::Failed;
    let older = ready("older", now.plus_seconds(-200 * DAY));
    assert_eq!(kept(&decide_utc(&Rules::last(0), &[failed, older], now)), ["failed", "older"]);
}

#[test]
fn days_begin_where_the_zone_says() {
    let now = at(NOW);
    let evening = ready("evening", at("2026-06-10T22:30:00Z"));
    let night = ready("night", at("2026-06-10T23:30:00Z"));
    let rules = Rules { keep_daily: 9, ..Rules::default() };
    let both = [evening, night];
    assert_eq!(kept(&decide_utc(&rules, &both, now)), ["night"]);
    let east = TimeZone::fixed(jiff::tz::offset(1));
    assert_eq!(kept(&decide(&rules, &both, &[], &[], now, &east)), ["night", "evening"]);
}

#[test]
fn each_period_keeps_its_newest() {
    let now = at(NOW);
    let snapshots = [
        ready("a", at("2026-06-15T11:50:00Z")),
        ready("b", at("2026-06-15T11:10:00Z")),
        ready("c", at("2026-06-14T10:00:00Z")),
        ready("d", at("2026-06-13T10:00:00Z")),
        ready("e", at("2026-05-20T10:00:00Z")),
        ready("f", at("2025-12-31T10:00:00Z")),
        ready("g", at("2025-01-01T10:00:00Z")),
    ];
    let keep = |rules: Rules| kept(&decide_utc(&rules, &snapshots, now)).join("");
    assert_eq!(keep(Rules { keep_hourly: 2, ..Rules::default() }), "ac");
    assert_eq!(keep(Rules { keep_daily: 3, ..Rules::default() }), "acd");
    assert_eq!(keep(Rules { keep_weekly: 2, ..Rules::default() }), "ac");
    assert_eq!(keep(Rules { keep_monthly: 3, ..Rules::default() }), "aef");
    assert_eq!(keep(Rules { keep_yearly: 5, ..Rules::default() }), "af");
    assert_eq!(keep(Rules { keep_within: Some(Within::days(2)), ..Rules::default() }), "abc");
}

#[test]
fn the_future_is_kept_and_does_not_hide_the_last_good_one() {
    let now = at(NOW);
    let future = ready("future", now.plus_seconds(DAY));
    let past = ready("past", now.plus_seconds(-DAY));
    let old = ready("old", now.plus_seconds(-2 * DAY));
    let decisions = decide_utc(&Rules::last(0), &[old, future, past], now);
    assert_eq!(kept(&decisions), ["future", "past"]);
    assert_eq!(decisions[0].reasons, [Reason::Future]);
}

#[test]
fn safety_snapshots_follow_their_own_rule() {
    let now = at(NOW);
    let mut snapshots =
        vec![ready("user", now.plus_seconds(-30 * DAY)), ready("gone", now.plus_seconds(-31 * DAY))];
    for age in [1, 8, 9, 10] {
        let mut safety = ready(&format!("undo{age}"), now.plus_seconds(-age * DAY));
        safety.trigger = Trigger::Safety;
        snapshots.push(safety);
    }
    let rules = Rules { keep_undo: 2, ..Rules::last(1) };
    assert_eq!(kept(&decide_utc(&rules, &snapshots, now)), ["undo1", "undo8", "user"]);
}

#[test]
fn a_group_stays_whole() {
    let now = at(NOW);
    let mut here = ready("here", now.plus_seconds(-DAY));
    here.group = Some("g".into());
    let mut there = ready("there", now.plus_seconds(-DAY));
    there.group = Some("g".into());
    there.source = SourceId::parse("other").unwrap();
    let mut newer = ready("newer", now);
    newer.source = there.source.clone();
    let decisions = decide_utc(&Rules::last(0), &[here, there, newer], now);
    assert!(decisions.iter().all(|decision| decision.keep), "{decisions:?}");
}

#[test]
fn a_narrow_snapshot_does_not_replace_the_last_whole_one() {
    let now = at(NOW);
    let mut narrow = ready("narrow", now.plus_seconds(-DAY));
    narrow.whole = false;
    let whole = ready("whole", now.plus_seconds(-2 * DAY));
    assert_eq!(kept(&decide_utc(&Rules::last(0), &[narrow, whole], now)), ["narrow", "whole"]);
}

prop_compose! {
    fn any_candidate()(
        source in 0..3u8,
        hours in -20..4000i64,
        minutes in 0..3i64,
        state in prop::sample::select(SnapshotState::ALL),
        trigger in prop::sample::select(vec![Trigger::Manual, Trigger::Safety, Trigger::Scheduled]),
        complete in prop::bool::weighted(0.8),
        whole in prop::bool::weighted(0.8),
        group in prop::option::weighted(0.1, 0..3u8),
    ) -> Candidate {
        Candidate {
            id: id("set-below"),
            source: SourceId::parse(&format!("src{source}")).unwrap(),
            created_at: at(NOW).plus_seconds(-hours * 3600 - minutes * 60),
            state,
            trigger,
            complete,
            whole,
            group: group.map(|number| format!("g{number}")),
        }
    }
}

prop_compose! {
    fn any_rules()(
        counts in prop::array::uniform7(0..6u32),
        days in prop::option::of(1..60u16),
    ) -> Rules {
        Rules {
            keep_last: counts[0],
            keep_hourly: counts[1],
            keep_daily: counts[2],
            keep_weekly: counts[3],
            keep_monthly: counts[4],
            keep_yearly: counts[5],
            keep_undo: counts[6],
            keep_within: days.map(Within::days),
        }
    }
}

fn any_snapshots() -> impl Strategy<Value = Vec<Candidate>> {
    prop::collection::vec(any_candidate(), 0..60).prop_map(|mut all| {
        for (number, candidate) in all.iter_mut().enumerate() {
            candidate.id = id(&format!("s{number}"));
        }
        all
    })
}

fn kept_set(decisions: &[Decision]) -> BTreeSet<SnapshotId> {
    decisions.iter().filter(|decision| decision.keep).map(|decision| decision.id.clone()).collect()
}

proptest! {
    #[test]
    fn the_newest_good_one_of_every_source_survives(rules in any_rules(), all in any_snapshots()) {
        let keep = kept_set(&decide_utc(&rules, &all, at(NOW)));
        for number in 0..3 {
            let source = SourceId::parse(&format!("src{number}")).unwrap();
            let newest = all.iter().filter(|c| c.source == source && is_good(c)).max_by_key(|c| (c.created_at, &c.id));
            if let Some(newest) = newest {
                prop_assert!(keep.contains(&newest.id));
            }
        }
    }

    #[test]
    fn a_higher_number_or_a_further_rule_never_keeps_less(
        rules in any_rules(), more in any_rules(), all in any_snapshots(),
    ) {
        let both = Rules {
            keep_last: rules.keep_last.max(more.keep_last),
            keep_hourly: rules.keep_hourly.max(more.keep_hourly),
            keep_daily: rules.keep_daily.max(more.keep_daily),
            keep_weekly: rules.keep_weekly.max(more.keep_weekly),
            keep_monthly: rules.keep_monthly.max(more.keep_monthly),
            keep_yearly: rules.keep_yearly.max(more.keep_yearly),
            keep_undo: rules.keep_undo.max(more.keep_undo),
            keep_within: rules.keep_within.max(more.keep_within),
        };
        let few = kept_set(&decide_utc(&rules, &all, at(NOW)));
        let many = kept_set(&decide_utc(&both, &all, at(NOW)));
        prop_assert!(few.is_subset(&many), "lost {:?}", few.difference(&many));
    }

    #[test]
    fn the_order_of_the_input_does_not_matter(
        (rules, all, shuffled) in (any_rules(), any_snapshots())
            .prop_flat_map(|(rules, all)| (Just(rules), Just(all.clone()), Just(all).prop_shuffle())),
    ) {
        prop_assert_eq!(decide_utc(&rules, &all, at(NOW)), decide_utc(&rules, &shuffled, at(NOW)));
    }

    #[test]
    fn pruning_twice_equals_pruning_once(rules in any_rules(), all in any_snapshots()) {
        let keep = kept_set(&decide_utc(&rules, &all, at(NOW)));
        let rest: Vec<_> = all.into_iter().filter(|c| keep.contains(&c.id)).collect();
        prop_assert_eq!(kept_set(&decide_utc(&rules, &rest, at(NOW))), keep);
    }

    #[test]
    fn every_held_or_referenced_one_survives_and_every_decision_has_a_reason(
        rules in any_rules(), all in any_snapshots(), which in prop::collection::vec(any::<prop::sample::Index>(), 2),
    ) {
        prop_assume!(!all.is_empty());
        let held = which[0].get(&all);
        let needed = which[1].get(&all);
        let holds = [HoldOn { snapshot: held.id.clone(), reason: "why".into(), until: None }];
        let references = [ReferenceTo { snapshot: needed.id.clone(), by: "it".into() }];
        for decision in decide(&rules, &all, &holds, &references, at(NOW), &TimeZone::UTC) {
            prop_assert!(!decision.reasons.is_empty());
            prop_assert!(decision.keep || (decision.id != held.id && decision.id != needed.id));
        }
    }
}
