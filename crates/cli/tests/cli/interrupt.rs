//! Ctrl-C ends a command cleanly.

use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};

use crate::sandbox::{Ran, Sandbox};

#[test]
fn an_interrupted_save_is_130_and_leaves_nothing_half_done() {
    let sandbox = Sandbox::new();
    let mut noise = vec![0; 1 << 20];
    for number in 0..200_u64 {
        use backstay_model::{Rng, SeededRng};
        SeededRng::new(number).fill(&mut noise);
        sandbox.write(&format!("noise/{number}"), &noise);
    }
    let mut child = sandbox
        .command(&["save", "--format", "ndjson"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The first event on standard output says that it is well under way.
    let mut first = String::new();
    let mut stdout = std::io::BufReader::new(child.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut stdout, &mut first).unwrap();
    if first.contains("\"result\"") {
        eprintln!("skipped: this machine saved 200 MiB before the first progress event");
        child.wait().unwrap();
        return;
    }
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let mut rest = String::new();
    std::io::Read::read_to_string(&mut stdout, &mut rest).unwrap();
    let output = child.wait_with_output().unwrap();
    if output.status.code() == Some(0) {
        eprintln!("it had committed already");
    } else {
        assert_eq!(output.status.code(), Some(130), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(rest.contains("\"interrupted\""), "{rest}");
        assert_eq!(sandbox.json(&["list"])["total"], 0);
    }
    sandbox.save();
    Ran::of(&mut sandbox.command(&["verify", "--all", "--data", "full"])).expect(0);
}
