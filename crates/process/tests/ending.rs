//! Nothing outlives the command, nor the caller.
//!
//! Every process of a command here holds the writing end of a FIFO; that the reading end sees its end proves that none of
//! them is left.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod support;

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use backstay_process::{Command, Confinement, End, Leftover, run as run_with};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat};
use rustix::process::{Pid, Signal, kill_process};
use support::{run, shell, stdout, supervised, supervisor};

/// Every confinement; with enough rights the first two are the same.
const CONFINEMENTS: [Confinement; 3] =
    [Confinement::Strongest, Confinement::NoUserNamespace, Confinement::NoNamespace];

/// A directory with a FIFO whose writers are the processes of a command.
struct Witness {
    directory: tempfile::TempDir,
    fifo: File,
}

impl Witness {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("alive");
        mknodat(CWD, &path, FileType::Fifo, Mode::from_raw_mode(0o666), 0).unwrap();
        rustix::fs::chmod(&path, Mode::from_raw_mode(0o666)).unwrap();
        let nonblocking = OFlags::NONBLOCK.bits() as i32;
        let fifo = File::options().read(true).custom_flags(nonblocking).open(&path).unwrap();
        Self { directory, fifo }
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    /// A command in that directory, every process of which is witnessed.
    fn command(&self, text: &str, confinement: Confinement) -> Command {
        let mut command = shell(&format!("exec 3>alive; {text}"));
        self.path().clone_into(&mut command.directory);
        command.confinement = confinement;
        command
    }

    /// Fails unless all of them end within the time.
    fn all_end_within(&mut self, limit: Duration) {
        let until = Instant::now() + limit;
        loop {
            // A FIFO without writers is readable, and reads as empty.
            let left = Timespec::try_from(until.saturating_duration_since(Instant::now())).unwrap();
            let ready = poll(&mut [PollFd::new(&self.fifo, PollFlags::IN)], Some(&left)).unwrap();
            assert!(ready > 0, "a process of the command is left");
            match self.fifo.read(&mut [0; 64]) {
                Ok(0) => return,
                Ok(_) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }
}

fn names(leftovers: &[Leftover]) -> Vec<&str> {
    leftovers.iter().map(|leftover| leftover.name.as_str()).collect()
}

/// A background child, a session of its own, and an orphan of an orphan in a session of its own.
const HIDERS: &str = "sleep 1001 & setsid sleep 1002 & (setsid sh -c '(sleep 1003 &) & sleep 1004' &) ";

#[test]
fn what_a_command_leaves_behind_ends_with_it_and_is_named() {
    for confinement in CONFINEMENTS {
        let mut witness = Witness::new();
        let outcome = run(&witness.command(&format!("{HIDERS}; echo done"), confinement)).unwrap();
        assert_eq!(outcome.end, End::Exited { code: 0 });
        assert_eq!(stdout(&outcome.output), "done\n");
        let mut found = names(&outcome.leftovers);
        found.sort_unstable();
        assert_eq!(found, ["sh", "sleep", "sleep", "sleep", "sleep"], "{confinement:?}");
        assert!(outcome.leftovers.iter().all(|leftover| leftover.ended));
        witness.all_end_within(Duration::from_secs(5));
    }
}

#[test]
fn what_ends_by_itself_soon_after_is_nothing_left_behind() {
    for confinement in CONFINEMENTS {
        let outcome = run(&Witness::new().command("(sleep 0.05; echo late) &", confinement)).unwrap();
        assert_eq!(stdout(&outcome.output), "late\n");
        assert_eq!(names(&outcome.leftovers), [""; 0]);
    }
}

#[test]
fn leftovers_that_ignore_term_are_killed() {
    for confinement in CONFINEMENTS {
        let mut witness = Witness::new();
        let text =
            "setsid sh -c 'trap \"\" TERM; echo ready; while :; do sleep 1000; done' & read line < ready_";
        // The command ends when the child has set its trap: otherwise TERM could come before.
        mknodat(CWD, witness.path().join("ready_"), FileType::Fifo, Mode::from_raw_mode(0o666), 0).unwrap();
        let text = text.replace("echo ready;", "echo ready > ready_;");
        let started = Instant::now();
        let outcome = run(&witness.command(&text, confinement)).unwrap();
        assert_eq!(outcome.end, End::Exited { code: 0 });
        assert!(names(&outcome.leftovers).contains(&"sh"), "{:?}", outcome.leftovers);
        assert!(started.elapsed() >= Duration::from_secs(2), "it had its time to end");
        witness.all_end_within(Duration::from_secs(5));
    }
}

#[test]
fn a_command_that_ignores_term_is_killed_after_its_grace() {
    for confinement in CONFINEMENTS {
        let mut witness = Witness::new();
        let mut command = witness.command(
            &format!("trap '' TERM; {HIDERS}; echo ready; while :; do sleep 1000; done"),
            confinement,
        );
        command.grace = Duration::from_millis(400);
        let cancel = AtomicBool::new(false);
        let mut live = |_, _: &[u8]| cancel.store(true, Ordering::Relaxed);
        let cancelled = || cancel.load(Ordering::Relaxed);
        let started = Instant::now();
        let outcome = run_with(&supervisor(), &command, &mut live, &cancelled).unwrap();
        assert_eq!(outcome.end, End::Cancelled);
        assert_eq!(stdout(&outcome.output), "ready\n");
        assert!(started.elapsed() >= Duration::from_millis(400));
        witness.all_end_within(Duration::from_secs(5));
    }
}

#[test]
fn a_cancelled_command_can_put_things_in_order() {
    for confinement in CONFINEMENTS {
        let mut witness = Witness::new();
        // What the shell has just forked would lose a signal before its `exec`, so `ready` comes after one.
        let text = "trap 'echo tidied; exit 5' TERM; sh -c 'echo ready; exec sleep 1000' & wait";
        let command = witness.command(text, confinement);
        let cancel = AtomicBool::new(false);
        let mut live = |_, _: &[u8]| cancel.store(true, Ordering::Relaxed);
        let outcome =
            run_with(&supervisor(), &command, &mut live, &|| cancel.load(Ordering::Relaxed)).unwrap();
        assert_eq!(outcome.end, End::Cancelled);
        assert_eq!(stdout(&outcome.output), "ready\ntidied\n");
        assert!(outcome.duration < Duration::from_secs(9), "nothing waits for the whole grace");
        witness.all_end_within(Duration::from_secs(5));
    }
}

/// Starts a caller of its own in the witness's directory and waits for the command's first line.
fn caller(witness: &Witness, program: &mut std::process::Command, confinement: &str, text: &str) -> Child {
    let text = format!("exec 3>alive; {text}; echo ready; exec sleep 1000");
    let mut caller = program
        .args(["run", confinement, &text])
        .current_dir(witness.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(caller.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n");
    caller
}

#[test]
fn kill_9_of_the_caller_ends_every_process() {
    for confinement in ["strongest", "no-user-namespace", "no-namespace"] {
        let mut witness = Witness::new();
        let mut caller = caller(&witness, &mut std::process::Command::new(supervised()), confinement, HIDERS);
        caller.kill().unwrap();
        witness.all_end_within(Duration::from_secs(5));
        caller.wait().unwrap();
    }
}

/// The ids of a process's children.
fn children(pid: u32) -> Vec<u32> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
    text.split_whitespace().map(|pid| pid.parse().unwrap()).collect()
}

fn signal(pid: u32, signal: Signal) {
    kill_process(Pid::from_raw(pid as i32).unwrap(), signal).unwrap();
}

#[test]
fn a_stopped_supervisor_keeps_nothing_alive_in_namespaces() {
    let mut witness = Witness::new();
    let mut caller = caller(&witness, &mut std::process::Command::new(supervised()), "strongest", HIDERS);
    let [outer] = children(caller.id())[..] else { panic!("one supervisor") };
    let Some(&inner) = children(outer).first() else { panic!("no inner supervisor") };
    signal(inner, Signal::STOP);
    signal(outer, Signal::STOP);
    caller.kill().unwrap();
    witness.all_end_within(Duration::from_secs(5));
    caller.wait().unwrap();
}

#[test]
fn kill_9_of_the_supervisor_in_namespaces_ends_every_process_and_is_an_error() {
    let mut witness = Witness::new();
    let mut caller = caller(&witness, &mut std::process::Command::new(supervised()), "strongest", HIDERS);
    let [outer] = children(caller.id())[..] else { panic!("one supervisor") };
    signal(outer, Signal::KILL);
    witness.all_end_within(Duration::from_secs(5));
    assert!(!caller.wait().unwrap().success());
}

/// Runs the caller as a user without rights, when the tests have the right to become one.
#[test]
fn a_user_without_rights_is_served_as_well() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let program = place.path().join("supervised");
    std::fs::copy(supervised(), &program).unwrap();
    rustix::fs::chmod(place.path(), Mode::from_raw_mode(0o755)).unwrap();
    for confinement in ["strongest", "no-user-namespace"] {
        let nobody = || {
            let mut command = std::process::Command::new("setpriv");
            command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"]).arg(&program);
            command
        };
        let output = nobody()
            .args(["run", confinement, "id -u; (setsid sleep 1000 &); grep CapEff /proc/self/status"])
            .current_dir("/")
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(text.starts_with("65534\nCapEff:\t0000000000000000\nExited { code: 0 } "), "{text}");
        assert!(text.ends_with("[\"sleep\"]\n"), "{text}");
        if confinement == "no-user-namespace" {
            assert!(text.contains("Subreaper"), "{text}");
        }

        let mut witness = Witness::new();
        rustix::fs::chmod(witness.path(), Mode::from_raw_mode(0o777)).unwrap();
        let mut caller = caller(&witness, &mut nobody(), confinement, HIDERS);
        caller.kill().unwrap();
        witness.all_end_within(Duration::from_secs(5));
        caller.wait().unwrap();
    }
}
