//! What a command gets and what is learnt of it.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod support;

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::time::Duration;

use backstay_process::{
    Command, Confinement, End, Environment, Isolation, Output, ProcessError, Program, Stdin, Stream,
    run as run_with,
};
use support::{run, shell, stdout, supervisor};

/// Every confinement; with enough rights the first two are the same.
const CONFINEMENTS: [Confinement; 3] =
    [Confinement::Strongest, Confinement::NoUserNamespace, Confinement::NoNamespace];

#[test]
fn codes_signals_and_streams_are_told() {
    for confinement in CONFINEMENTS {
        let mut command = shell("echo out; echo err >&2; exit 7");
        command.confinement = confinement;
        let outcome = run(&command).unwrap();
        assert_eq!(outcome.end, End::Exited { code: 7 });
        assert_eq!(outcome.output.of(Stream::Stdout), b"out\n");
        assert_eq!(outcome.output.of(Stream::Stderr), b"err\n");
        assert!(outcome.leftovers.is_empty() && !outcome.succeeded());

        let mut command = shell("kill -SEGV $$");
        command.confinement = confinement;
        assert_eq!(run(&command).unwrap().end, End::Signalled { signal: 11 });
    }
}

#[test]
fn output_is_seen_as_it_comes() {
    // The command goes on only when its first line has arrived: otherwise it would never end.
    let directory = tempfile::tempdir().unwrap();
    let gate = directory.path().join("gate");
    let mut command = shell("mkfifo gate; echo first; read answer < gate; echo $answer");
    command.directory = directory.path().to_owned();
    let mut seen = Vec::new();
    let mut live = |stream, bytes: &[u8]| {
        assert_eq!(stream, Stream::Stdout);
        seen.extend_from_slice(bytes);
        if seen == b"first\n" {
            std::fs::write(&gate, "second\n").unwrap();
        }
    };
    let outcome = run_with(&supervisor(), &command, &mut live, &|| false).unwrap();
    assert!(outcome.succeeded());
    assert_eq!(seen, b"first\nsecond\n");
}

#[test]
fn arguments_are_bytes_and_never_part_of_a_text() {
    let strange: Vec<OsString> = [&b"a b"[..], b"$(exit 3)", b"'\";&|", b"\xff\xfe", b"", b"-n"]
        .map(|word| OsString::from_vec(word.to_vec()))
        .into();
    let expected = strange.iter().flat_map(|word| [word.as_bytes(), b"\n"].concat()).collect::<Vec<u8>>();

    let text = "for word in \"$@\"; do printf '%s\\n' \"$word\"; done";
    let shell = Program::Shell { text: text.into(), arguments: strange.clone() };
    assert_eq!(run(&Command::new(shell, "/")).unwrap().output.of(Stream::Stdout), expected);

    let mut arguments = vec![OsString::from("%s\\n")];
    arguments.extend(strange);
    let direct = Program::direct("printf", arguments);
    assert_eq!(run(&Command::new(direct, "/")).unwrap().output.of(Stream::Stdout), expected);
}

#[test]
fn the_environment_is_as_asked_for() {
    let mut command = Command::new(Program::direct("/usr/bin/env", ["-0"]), "/");
    command.environment = Environment::empty().set("A", OsString::from_vec(b"\xff\n".to_vec())).set("B", "");
    let outcome = run(&command).unwrap();
    assert_eq!(outcome.output.of(Stream::Stdout), b"A=\xff\n\0B=\0");
}

#[test]
fn the_input_is_as_asked_for() {
    let mut command = shell("cat; echo end");
    assert_eq!(stdout(&run(&command).unwrap().output), "end\n");
    // More than a pipe holds.
    let bytes: Vec<u8> = (0..1_000_000_u32).flat_map(u32::to_le_bytes).collect();
    command = Command::new(Program::direct("cat", [""; 0]), "/");
    command.stdin = Stdin::Bytes(bytes.clone());
    assert_eq!(run(&command).unwrap().output.of(Stream::Stdout), bytes);
}

#[test]
fn the_working_directory_is_as_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = shell("pwd -P");
    command.directory = directory.path().canonicalize().unwrap();
    assert_eq!(stdout(&run(&command).unwrap().output), format!("{}\n", command.directory.display()));

    command.directory = directory.path().join("missing");
    let error = run(&command).unwrap_err();
    assert!(matches!(&error, ProcessError::Directory { path, .. } if *path == command.directory), "{error}");
    std::fs::write(&command.directory, "a file").unwrap();
    assert!(matches!(run(&command), Err(ProcessError::Directory { .. })));
}

#[test]
fn a_program_that_cannot_be_executed_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("program");
    let command = Command::new(Program::direct(&path, [""; 0]), "/");
    let error = run(&command).unwrap_err();
    assert!(matches!(&error, ProcessError::NotFound { program } if *program == *path), "{error}");
    std::fs::write(&path, "no program").unwrap();
    assert!(matches!(run(&command), Err(ProcessError::NotExecutable { .. })));
    let command = Command::new(Program::direct("echo", ["a\0b"]), "/");
    assert!(matches!(run(&command), Err(ProcessError::Nul)));
}

#[test]
fn a_supervisor_that_is_none_is_an_error() {
    let missing = backstay_process::Supervisor::new("/does/not/exist", [""; 0]);
    let error = run_with(&missing, &shell("true"), &mut |_, _| {}, &|| false).unwrap_err();
    assert!(matches!(error, ProcessError::Supervisor { .. }), "{error}");
    let other = backstay_process::Supervisor::new("/bin/true", [""; 0]);
    let error = run_with(&other, &shell("true"), &mut |_, _| {}, &|| false).unwrap_err();
    assert!(matches!(error, ProcessError::SupervisorLost), "{error}");
}

#[test]
fn a_hundred_megabytes_of_output_are_counted_and_bounded() {
    let total: u64 = 100 << 20;
    let mut command = shell("head -c 104857600 /dev/zero | tr '\\0' x; echo; echo the end");
    let mut seen = 0_u64;
    let outcome =
        run_with(&supervisor(), &command, &mut |_, bytes| seen += bytes.len() as u64, &|| false).unwrap();
    assert!(outcome.succeeded());
    let kept = outcome.output.of(Stream::Stdout);
    assert_eq!(seen, total + 9);
    assert_eq!(kept.len() as u64 + outcome.output.dropped_bytes(), total + 9);
    assert!(kept.len() <= 10 << 20 && kept.ends_with(b"\nthe end\n"));
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak_kib: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(peak_kib < 80 << 10, "{peak_kib} KiB");

    command.output = Output::Captured { kept_bytes: 0 };
    assert_eq!(run(&command).unwrap().output.dropped_bytes(), total + 9);
}

#[test]
fn the_limit_ends_a_command() {
    for confinement in CONFINEMENTS {
        let mut command = shell("echo begun; exec sleep 1000");
        command.confinement = confinement;
        command.limit = Some(Duration::from_millis(300));
        let outcome = run(&command).unwrap();
        assert_eq!(outcome.end, End::TimedOut);
        assert_eq!(stdout(&outcome.output), "begun\n");
        assert!(outcome.duration >= Duration::from_millis(300) && outcome.duration < Duration::from_secs(10));
        assert!(outcome.leftovers.is_empty());
    }
}

#[test]
fn the_isolation_is_told() {
    let mut command = shell("echo $$");
    command.confinement = Confinement::NoNamespace;
    assert_eq!(run(&command).unwrap().isolation, Isolation::Subreaper);
}
