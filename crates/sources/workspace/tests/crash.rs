//! A restore that stops anywhere leaves the old or the new state, never a mix.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod fixtures;

use std::fs;
use std::os::unix::fs::symlink;

use backstay_source_workspace::{Outcome, RestoreOptions, Steps, WorkspaceError, acknowledge};
use backstay_testkit::Picture;
use fixtures::{Bench, error_of};

/// Two states that differ in every way; the second is the present one.
fn two_states(bench: &Bench) -> (backstay_repository::Manifest, Picture, Picture) {
    bench.write("same", "1");
    bench.write("edited", "1");
    bench.write("gone/deep/file", "1");
    bench.write("turns/into", "a directory first");
    bench.write("becomes", "a file first");
    bench.write("pair/a", "linked");
    fs::hard_link(bench.path("pair/a"), bench.path("pair/b")).unwrap();
    symlink("edited", bench.path("link")).unwrap();
    fs::create_dir(bench.path("empty")).unwrap();
    let wanted = bench.picture();
    let manifest = bench.save().receipt.manifest;

    bench.write("edited", "22");
    fs::remove_dir_all(bench.path("gone")).unwrap();
    fs::remove_dir_all(bench.path("turns")).unwrap();
    bench.write("turns", "a file now");
    fs::remove_file(bench.path("becomes")).unwrap();
    bench.write("becomes/a/directory", "now");
    fs::remove_file(bench.path("pair/b")).unwrap();
    bench.write("pair/b", "alone");
    fs::remove_file(bench.path("link")).unwrap();
    symlink("same", bench.path("link")).unwrap();
    bench.write("empty/not", "any more");
    let present = bench.picture();
    (manifest, wanted, present)
}

#[test]
fn old_or_new_after_a_crash_at_any_step() {
    let whole = Bench::new();
    let (manifest, ..) = two_states(&whole);
    let steps = count_steps(&whole, &manifest);
    assert!(steps > 20, "{steps} steps");
    let mut forward = 0;
    for step in 0..steps {
        let bench = Bench::new();
        let (manifest, wanted, present) = two_states(&bench);
        let stopped =
            error_of(bench.restore_with(&manifest, &RestoreOptions::default(), Steps::stop_at(step)));
        assert!(matches!(stopped, WorkspaceError::Fault { .. }), "step {step}: {stopped}");
        // A crash while recovering, too.
        let recovered =
            backstay_source_workspace::recover(&bench.root, &bench.lock(), &Steps::stop_at(step % 3));
        drop(recovered);
        let recovered = bench.recover();
        let now = bench.picture();
        match recovered.first().map(|recovered| recovered.outcome) {
            Some(Outcome::RolledForward) => {
                forward += 1;
                wanted.assert_same(&now, &format!("forward from step {step}"));
            }
            Some(Outcome::RolledBack) | None => present.assert_same(&now, &format!("back from step {step}")),
        }
        for recovered in bench.recover() {
            acknowledge(&bench.root, &recovered.operation).unwrap();
        }
        assert!(bench.recover().is_empty());
        assert!(fs::read_dir(bench.path(".backstay/stage")).map_or(true, |mut left| left.next().is_none()));
        bench.restore(&manifest);
        wanted.assert_same(&bench.picture(), &format!("again after step {step}"));
    }
    assert!(forward > 10 && forward < steps, "{forward} of {steps} went forward");
}

fn count_steps(bench: &Bench, manifest: &backstay_repository::Manifest) -> u64 {
    let mut low = 0;
    // The number of steps is where a stop no longer stops anything.
    loop {
        let probe = Bench::new();
        let (manifest, ..) = two_states(&probe);
        if probe.restore_with(&manifest, &RestoreOptions::default(), Steps::stop_at(low)).is_ok() {
            break;
        }
        low += 1;
        assert!(low < 500);
    }
    bench.restore(manifest);
    low
}

#[test]
fn an_unfinished_operation_must_be_recovered_first() {
    let bench = Bench::new();
    let (manifest, ..) = two_states(&bench);
    let mut step = 0;
    while !bench.path(".backstay/journal").exists()
        || !fs::read_dir(bench.path(".backstay/journal"))
            .unwrap()
            .any(|file| file.unwrap().path().extension().is_some_and(|end| end == "commit"))
    {
        bench.recover();
        let _ = bench.restore_with(&manifest, &RestoreOptions::default(), Steps::stop_at(step));
        step += 1;
        assert!(step < 100);
    }
    let refused = error_of(bench.restore_with(&manifest, &RestoreOptions::default(), Steps::unlimited()));
    assert!(matches!(refused, WorkspaceError::NeedsRecovery { .. }), "{refused}");
    assert_eq!(bench.recover()[0].outcome, Outcome::RolledForward);
}

#[test]
fn a_restore_elsewhere_that_stops_shows_nothing_or_everything() {
    let bench = Bench::new();
    let (manifest, wanted, _) = two_states(&bench);
    for step in 0..40 {
        let target = bench.place.path().join(format!("to{step}"));
        let restored = backstay_source_workspace::restore_to(
            &target,
            &manifest,
            &bench.repository.reader(),
            &backstay_source_workspace::Selection::all(),
            &bench.operation(),
            &bench.restore_context(),
            &Steps::stop_at(step),
        );
        if restored.is_ok() {
            assert!(step > 8, "{step}");
            wanted.assert_same(&fixtures::picture(&target), "not stopped");
            return;
        }
        match bench.restore_to(&target, &manifest) {
            // In the second case the commit record was there, so the recovery finished it.
            Ok(_) | Err(WorkspaceError::TargetNotEmpty { .. }) => {}
            Err(error) => panic!("step {step}: {error}"),
        }
        wanted.assert_same(&fixtures::picture(&target), &format!("step {step}"));
    }
    panic!("it never finished");
}

/// A path, and how it is edited.
type Edit = (&'static str, fn(&Bench));

#[test]
fn a_path_edited_after_the_plan_is_a_conflict_and_nothing_is_applied() {
    let edits: [Edit; 5] = [
        ("edited", |bench| bench.write("edited", "33")),
        ("gone", |bench| bench.write("gone", "in the way")),
        ("becomes/a", |bench| bench.write("becomes/a/another", "kept")),
        ("empty", |bench| fs::remove_dir_all(bench.path("empty")).unwrap()),
        ("pair", |bench| {
            fs::rename(bench.path("pair"), bench.path("moved")).unwrap();
            symlink("moved", bench.path("pair")).unwrap();
        }),
    ];
    for (path, edit) in edits {
        let bench = Bench::new();
        let (manifest, ..) = two_states(&bench);
        let reader = bench.repository.reader();
        let context = bench.restore_context();
        let plan = backstay_source_workspace::plan(
            &bench.root,
            &manifest,
            &reader,
            &RestoreOptions::default(),
            &context,
        )
        .unwrap();
        edit(&bench);
        let present = bench.picture();
        let options = backstay_source_workspace::ExecuteOptions {
            operation: bench.operation(),
            snapshot: manifest.snapshot.clone(),
            safety_snapshot: None,
            steps: Steps::unlimited(),
        };
        let lock = bench.lock();
        let refused = error_of(backstay_source_workspace::execute(&plan, &reader, &lock, &options, &context));
        drop(lock);
        let WorkspaceError::Conflict { paths } = refused else { panic!("{path}: {refused}") };
        assert!(paths.iter().any(|conflict| conflict.starts_with(path)), "{path}: {paths:?}");
        present.assert_same(&bench.picture(), path);
        assert!(bench.recover().is_empty());
    }
}

#[test]
fn a_full_disk_while_staging_changes_nothing() {
    if !fixtures::is_root() {
        eprintln!("skipped: mounting a small file system needs root");
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let root = place.path().join("small");
    fs::create_dir(&root).unwrap();
    let mount = |program: &str, arguments: &[&str]| {
        let status = std::process::Command::new(program).args(arguments).arg(&root).status();
        status.is_ok_and(|status| status.success())
    };
    if !mount("mount", &["-t", "tmpfs", "-o", "size=4m", "tmpfs"]) {
        eprintln!("skipped: cannot mount a small file system");
        return;
    }
    let bench = Bench::at(place, root.clone());
    let noise: Vec<u8> = (0..3 << 20).map(|n: u32| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    bench.write("big", &noise);
    let wanted = bench.picture();
    let manifest = bench.save().receipt.manifest;
    bench.write("big", vec![1; 3 << 20]);
    let present = bench.picture();
    let full = error_of(bench.restore_with(&manifest, &RestoreOptions::default(), Steps::unlimited()));
    assert_eq!(full.kind(), backstay_model::ErrorKind::StorageFull, "{full}");
    present.assert_same(&bench.picture(), "after the failure");
    assert!(bench.recover().is_empty());
    bench.write("big", "small");
    bench.restore(&manifest);
    wanted.assert_same(&bench.picture(), "with room");
    let unmounted = std::process::Command::new("umount").arg("-l").arg(&bench.root).status().unwrap();
    assert!(unmounted.success());
}
