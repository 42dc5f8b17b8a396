//! One operation at a time, and nobody waits for a dead one.

use std::process::Stdio;
use std::time::Duration;

use backstay_model::{FakeClock, Timestamp};
use backstay_source_workspace::WorkspaceLock;

use crate::sandbox::{Ran, Sandbox};

#[test]
fn a_held_lock_is_4_and_names_the_process() {
    let sandbox = Sandbox::new();
    sandbox.write("a", "x");
    sandbox.save();
    let clock = FakeClock::new(Timestamp::from_micros(1_767_435_330_000_000));
    let lock = WorkspaceLock::acquire(&sandbox.root(), "a test", &clock, Duration::ZERO).unwrap();
    for arguments in [&["save"][..], &["restore", "latest"]] {
        let ran = sandbox.run(arguments).expect(4);
        let pid = std::process::id().to_string();
        assert!(ran.stderr.contains(&pid) && ran.stderr.contains("--wait"), "{}", ran.stderr);
    }
    let error = sandbox.run(&["save", "--json"]).expect(4).json();
    assert_eq!(
        (&error["code"], &error["owner"]["pid"]),
        (&"busy".into(), &std::process::id().into()),
        "{error}"
    );
    sandbox.run(&["list"]).expect(0);
    sandbox.run(&["diff", "latest"]).expect(0);
    drop(lock);
    sandbox.save();
}

#[test]
fn waiting_gets_the_lock_when_it_is_released() {
    let sandbox = Sandbox::new();
    sandbox.write("a", "x");
    sandbox.save();
    let clock = FakeClock::new(Timestamp::EPOCH);
    let lock = WorkspaceLock::acquire(&sandbox.root(), "a test", &clock, Duration::ZERO).unwrap();
    let waiting = sandbox.command(&["save", "--wait", "60"]).stdout(Stdio::piped()).spawn().unwrap();
    // It may wait already or only be starting; both must end well once the lock is free.
    drop(lock);
    assert!(waiting.wait_with_output().unwrap().status.success());
}

#[test]
fn of_two_saves_at_once_each_succeeds_or_is_busy() {
    let sandbox = Sandbox::new();
    for number in 0..300 {
        sandbox.write(&format!("d/{number}"), format!("content {number}"));
    }
    sandbox.save();
    for round in 0..5 {
        sandbox.write("changed", format!("{round}"));
        let both: Vec<_> = (0..2)
            .map(|_| {
                sandbox.command(&["save"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
            })
            .collect();
        let codes: Vec<_> =
            both.into_iter().map(|child| child.wait_with_output().unwrap().status.code().unwrap()).collect();
        assert!(codes.contains(&0) && codes.iter().all(|code| matches!(code, 0 | 4)), "{codes:?}");
    }
    let both: Vec<_> = (0..2)
        .map(|_| sandbox.command(&["save", "--wait", "60"]).stdout(Stdio::piped()).spawn().unwrap())
        .collect();
    for child in both {
        assert!(child.wait_with_output().unwrap().status.success());
    }
    Ran::of(&mut sandbox.command(&["verify", "--all", "--data", "full"])).expect(0);
}
