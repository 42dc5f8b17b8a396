//! A group that is restored together is old or new as a whole, wherever it stops and whichever member is recovered first.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod fixtures;

use std::fs;

use backstay_repository::Manifest;
use backstay_source::RestoreReport;
use backstay_source_workspace::{
    GroupMember, Outcome, RestoreOptions, Result, Steps, WorkspaceError, acknowledge, execute_group, plan,
};
use backstay_testkit::Picture;
use fixtures::{Bench, error_of};

/// A workspace with an old state to put back and a present one.
struct Member {
    bench: Bench,
    manifest: Manifest,
    wanted: Picture,
    present: Picture,
}

fn member(bench: Bench, name: &str) -> Member {
    bench.write("edited", format!("{name} 1"));
    bench.write("gone/deep", name);
    let wanted = bench.picture();
    let manifest = bench.save().receipt.manifest;
    bench.write("edited", format!("{name} 2"));
    fs::remove_dir_all(bench.path("gone")).unwrap();
    bench.write("new", name);
    let present = bench.picture();
    Member { bench, manifest, wanted, present }
}

fn three() -> Vec<Member> {
    let first = Bench::new();
    let (second, third) = (first.beside(), first.beside());
    vec![member(first, "a"), member(second, "b"), member(third, "c")]
}

fn restore(members: &[Member], steps: &Steps) -> Result<Vec<RestoreReport>> {
    let reader = members[0].bench.repository.reader();
    let context = members[0].bench.restore_context();
    let locks: Vec<_> = members.iter().map(|member| member.bench.lock()).collect();
    let options = RestoreOptions::default();
    let plans: Vec<_> = members
        .iter()
        .map(|member| plan(&member.bench.root, &member.manifest, &reader, &options, &context).unwrap())
        .collect();
    let group: Vec<_> = members
        .iter()
        .zip(&plans)
        .zip(&locks)
        .map(|((member, plan), lock)| GroupMember {
            plan,
            lock,
            operation: member.bench.operation(),
            snapshot: member.manifest.snapshot.clone(),
            safety_snapshot: None,
        })
        .collect();
    execute_group(&group, &reader, steps, &context)
}

/// Nothing is left of what led to the present state.
fn assert_clean(members: &[Member], what: &str) {
    for member in members {
        for recovered in member.bench.recover() {
            acknowledge(&member.bench.root, &recovered.operation).unwrap();
        }
    }
    for member in members {
        assert!(member.bench.recover().is_empty(), "{what}");
        let left: Vec<_> = fs::read_dir(member.bench.path(".backstay/journal"))
            .map(|entries| entries.map(|entry| entry.unwrap().file_name()).collect())
            .unwrap_or_default();
        assert!(left.is_empty(), "{what}: {left:?}");
    }
}

#[test]
fn all_old_or_all_new_after_a_crash_at_any_step() {
    let orders = [[0, 1, 2], [2, 1, 0], [1, 2, 0]];
    let (mut forward, mut step) = (0, 0);
    loop {
        let members = three();
        match restore(&members, &Steps::stop_at(step)) {
            Ok(reports) => {
                assert_eq!(reports.len(), 3);
                break;
            }
            Err(WorkspaceError::Fault { .. }) => {}
            Err(error) => panic!("step {step}: {error}"),
        }
        let mut went = Vec::new();
        for index in orders[step as usize % orders.len()] {
            let member = &members[index];
            // A crash while recovering, too.
            let crashed = Steps::stop_at(step % 3);
            drop(backstay_source_workspace::recover(&member.bench.root, &member.bench.lock(), &crashed));
            let recovered = member.bench.recover();
            let now = member.bench.picture();
            let new = member.wanted.differences(&now).is_empty();
            if !new {
                member.present.assert_same(&now, &format!("member {index} after step {step}"));
            }
            if let Some(recovered) = recovered.first() {
                let told = recovered.outcome == Outcome::RolledForward;
                assert_eq!(told, new, "member {index} after step {step}");
            }
            went.push(new);
        }
        assert!(went.iter().all(|new| *new == went[0]), "a mix after step {step}: {went:?}");
        forward += u64::from(went[0]);
        assert_clean(&members, &format!("step {step}"));
        step += 1;
        assert!(step < 500);
    }
    assert!(forward > 10 && forward < step, "{forward} of {step} went forward");
}

#[test]
fn a_whole_group_is_restored_and_leaves_nothing_behind() {
    let members = three();
    restore(&members, &Steps::unlimited()).unwrap();
    for member in &members {
        member.wanted.assert_same(&member.bench.picture(), "restored");
    }
    assert_clean(&members, "restored");
}

#[test]
fn a_conflict_in_the_last_member_changes_none() {
    let members = three();
    // A journal that another operation has left open.
    let journal = members[2].bench.path(".backstay/journal");
    fs::create_dir_all(&journal).unwrap();
    let open = journal.join(format!("{}.intent", members[2].bench.operation()));
    fs::write(&open, "cut off").unwrap();
    let refused = error_of(restore(&members, &Steps::unlimited()));
    assert!(matches!(refused, WorkspaceError::NeedsRecovery { .. }), "{refused}");
    for member in &members {
        member.present.assert_same(&member.bench.picture(), "refused");
    }
    assert_clean(&members, "refused");
}

#[test]
fn without_the_workspace_that_decides_nothing_is_guessed() {
    for step in 0..200 {
        let members = three();
        if restore(&members, &Steps::stop_at(step)).is_ok() {
            return;
        }
        let (first, last) = (&members[0].bench, &members[2].bench);
        let elsewhere = first.root.with_extension("elsewhere");
        fs::rename(&first.root, &elsewhere).unwrap();
        let intent = last.path(".backstay/journal").read_dir().is_ok_and(|mut entries| {
            entries.any(|entry| entry.unwrap().path().extension().is_some_and(|end| end == "intent"))
        });
        let recovered = backstay_source_workspace::recover(&last.root, &last.lock(), &Steps::unlimited());
        let undecided = intent && recovered.is_err();
        fs::rename(&elsewhere, &first.root).unwrap();
        let new: Vec<bool> = members
            .iter()
            .map(|member| {
                member.bench.recover();
                member.wanted.differences(&member.bench.picture()).is_empty()
            })
            .collect();
        assert!(
            new.iter().all(|one| *one == new[0]),
            "a mix after step {step}: {new:?}, undecided: {undecided}"
        );
    }
    panic!("it never finished");
}
