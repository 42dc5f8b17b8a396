//! Kills a program at a random moment, as a power cut or the kernel's memory killer would.

use std::fmt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rustix::process::{Pid, Signal, kill_process};

/// How one run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Killed this long after its start.
    Killed(Duration),
    /// It was done before its moment came.
    Finished(ExitStatus),
}

/// Picks the moments from a seed, and learns how long each kind of run takes.
///
/// The moment is even over the longest time that a run of that kind has needed so far, and a little beyond, so that
/// every part of the run is hit and a few runs finish.
#[derive(Debug)]
pub struct Killer {
    seed: u64,
    rng: StdRng,
    rounds: usize,
    killed: usize,
}

impl Killer {
    /// Starts with `seed`, which every message repeats.
    pub fn new(seed: u64) -> Self {
        Self { seed, rng: StdRng::seed_from_u64(seed), rounds: 0, killed: 0 }
    }

    /// Returns the random numbers of this killer, for whatever else the test decides at random.
    pub fn rng(&mut self) -> &mut StdRng {
        &mut self.rng
    }

    /// Returns how many runs were killed before they finished.
    pub fn killed(&self) -> usize {
        self.killed
    }

    /// Runs `command` and kills it with SIGKILL at a moment in `0..=usual * 1.1`.
    ///
    /// `usual` is how long an undisturbed run takes ([`time`]). Output is dropped. Each run is logged with its seed,
    /// round and moment on standard error.
    pub fn run(&mut self, command: &mut Command, usual: Duration) -> Result<Ended> {
        let moment = usual.mul_f64(self.rng.random_range(0.0..=1.1));
        self.rounds += 1;
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {}", command.get_program().display()))?;
        let ended = kill_after(child, moment)?;
        if matches!(ended, Ended::Killed(_)) {
            self.killed += 1;
        }
        eprintln!("seed {} round {}: {} -> {ended}", self.seed, self.rounds, last_words(command));
        Ok(ended)
    }
}

/// Runs `command` undisturbed and returns how long it took.
///
/// # Errors
/// When it cannot be started or does not succeed; the message holds what it wrote.
pub fn time(command: &mut Command) -> Result<Duration> {
    let started = Instant::now();
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start {}", command.get_program().display()))?;
    anyhow::ensure!(
        output.status.success(),
        "{} ended with {}\n{}{}",
        last_words(command),
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(started.elapsed())
}

/// Waits for the end of `child`, but at most `moment`; then kills it and waits until it is gone.
fn kill_after(mut child: Child, moment: Duration) -> Result<Ended> {
    let pid = Pid::from_child(&child);
    let (ended, end) = mpsc::channel();
    // The process must not be reaped before the kill: its number could belong to another one by then. So the
    // waiting thread only watches for the end, and the child is reaped here.
    let watcher = thread::spawn(move || {
        let exited = rustix::process::waitid(
            rustix::process::WaitId::Pid(pid),
            rustix::process::WaitIdOptions::EXITED | rustix::process::WaitIdOptions::NOWAIT,
        );
        // The receiver lives until this thread has been joined.
        let _ = ended.send(exited.is_ok());
    });
    let finished = match end.recv_timeout(moment) {
        Ok(_) => true,
        Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
            kill_process(pid, Signal::KILL).context("cannot kill the program under test")?;
            false
        }
    };
    let status = child.wait().context("cannot wait for the program under test")?;
    watcher.join().ok().context("the thread that watches the program under test panicked")?;
    // The kill may have come a moment after the end.
    let killed = !finished && std::os::unix::process::ExitStatusExt::signal(&status).is_some();
    Ok(if killed { Ended::Killed(moment) } else { Ended::Finished(status) })
}

/// The program's name and its arguments, without the directories they lie in.
fn last_words(command: &Command) -> String {
    let mut words = vec![command.get_program()];
    words.extend(command.get_args());
    let words: Vec<_> = words
        .into_iter()
        .map(|word| word.to_string_lossy().rsplit('/').next().unwrap_or_default().to_owned())
        .collect();
    words.join(" ")
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Killed(moment) => write!(f, "killed after {:.1} ms", moment.as_secs_f64() * 1e3),
            Self::Finished(status) => write!(f, "finished first: {status}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kills_a_program_that_would_run_on() {
        let mut killer = Killer::new(1);
        let ended = killer.run(Command::new("sleep").arg("600"), Duration::from_millis(50)).unwrap();
        assert!(matches!(ended, Ended::Killed(_)), "{ended}");
        assert_eq!(killer.killed(), 1);
    }

    #[test]
    fn leaves_a_program_alone_that_is_done() {
        let ended = Killer::new(2).run(&mut Command::new("false"), Duration::from_secs(1000)).unwrap();
        assert!(matches!(ended, Ended::Finished(status) if status.code() == Some(1)), "{ended}");
    }

    #[test]
    fn the_moments_follow_from_the_seed() {
        let moments = |seed| {
            let mut killer = Killer::new(seed);
            (0..4).map(|_| killer.rng().random_range(0.0..=1.1)).collect::<Vec<f64>>()
        };
        assert_eq!(moments(7), moments(7));
        assert_ne!(moments(7), moments(8));
    }
}
