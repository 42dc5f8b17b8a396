//! Starts the command and watches over it until it has ended, or the caller has.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitOptions, WaitStatus, kill_process_group, pidfd_open,
    set_parent_process_death_signal, wait,
};

use super::family::{Relative, relatives};
use crate::channel::{self, NotStarted, Order, Reply, Start, Status};
use crate::outcome::Leftover;

/// How long what a command leaves behind may take to end by itself: the other end of a pipe, for example.
const SETTLE: Duration = Duration::from_millis(250);
/// How long it may take after TERM.
const LEFTOVER_GRACE: Duration = Duration::from_secs(2);
/// How long it may take after KILL before it counts as having escaped.
const KILL_LIMIT: Duration = Duration::from_secs(3);
/// How often orphans that have ended are looked for while the command runs.
const IDLE_TURN: Duration = Duration::from_secs(1);
/// The same while the end of something is awaited.
const BUSY_TURN: Duration = Duration::from_millis(10);
/// How many leftovers are named.
const MOST_LEFTOVERS: usize = 100;

/// What ties the command's processes to this one.
#[derive(Debug, Clone, Copy)]
pub(super) enum Bond {
    /// This is the first process of their PID namespace: they end with it.
    PidNamespace {
        /// Whether `/proc` shows that namespace, so that the ids in it can be used.
        own_proc: bool,
    },
    /// This process adopts them when they are orphans.
    Subreaper,
}

/// What is being waited for.
#[derive(Debug, Clone, Copy)]
enum Phase {
    /// The end of the command.
    Running,
    /// TERM was sent to the process group because the caller said so.
    Stopping { kill_at: Instant },
    /// The command has ended and something of it has not.
    Settling { until: Instant },
    /// TERM was sent to what was left.
    Ending { kill_at: Instant },
    /// KILL was sent to everything.
    Killing { until: Instant },
}

/// Serves one caller and one command.
pub(super) fn watch(channel: &UnixStream, bond: Bond) -> io::Result<()> {
    channel::send(channel, &Reply::Ready)?;
    let Some(Order::Start(start)) = channel::receive(channel)? else { return Ok(()) };
    let Some(stdin) = channel::receive_fd(channel)? else { return Ok(()) };
    let main = match spawn(start, stdin, bond) {
        Ok(main) => main,
        Err((why, error)) => {
            let errno = error.raw_os_error().unwrap_or_default();
            return channel::send(channel, &Reply::NotStarted { why, errno });
        }
    };
    let mut watch = Watch { channel, bond, main, status: None, phase: Phase::Running, leftovers: Vec::new() };
    // A caller that has gone already is noticed in the first turn.
    let _ = channel::send(channel, &Reply::Started);
    watch.follow()
}

fn spawn(start: Start, stdin: OwnedFd, bond: Bond) -> Result<Pid, (NotStarted, io::Error)> {
    let directory = start.directory.into_path();
    let entered = std::fs::metadata(&directory)
        .and_then(|meta| if meta.is_dir() { Ok(()) } else { Err(io::Error::from(Errno::NOTDIR)) });
    entered.map_err(|error| (NotStarted::Directory, error))?;
    let mut argv = start.argv.into_iter().map(channel::Bytes::into_os_string);
    let program = argv.next().ok_or((NotStarted::Program, io::ErrorKind::InvalidInput.into()))?;
    let variables =
        start.environment.into_iter().map(|(name, value)| (name.into_os_string(), value.into_os_string()));
    let mut command = std::process::Command::new(program);
    command.args(argv).env_clear().envs(variables).current_dir(directory).stdin(stdin).process_group(0);
    if matches!(bond, Bond::Subreaper) {
        // When somebody kills this process, at least the command's first one ends too.
        let bind = || Ok(set_parent_process_death_signal(Some(Signal::KILL))?);
        #[expect(unsafe_code, reason = "there is no other way to set it between fork and exec")]
        // SAFETY: the closure makes one system call and allocates nothing.
        unsafe {
            command.pre_exec(bind);
        }
    }
    let child = command.spawn().map_err(|error| match error.kind() {
        io::ErrorKind::InvalidInput => (NotStarted::Nul, error),
        _ => (NotStarted::Program, error),
    })?;
    // Its end is learnt with that of all others, in `reap`.
    i32::try_from(child.id())
        .ok()
        .and_then(Pid::from_raw)
        .ok_or((NotStarted::Program, io::ErrorKind::InvalidData.into()))
}

struct Watch<'a> {
    channel: &'a UnixStream,
    bond: Bond,
    main: Pid,
    status: Option<Status>,
    phase: Phase,
    leftovers: Vec<Leftover>,
}

impl Watch<'_> {
    fn follow(&mut self) -> io::Result<()> {
        let main_fd = pidfd_open(self.main, PidfdFlags::empty()).ok();
        loop {
            let alone = self.reap()?;
            if self.status.is_some() && alone {
                return self.end(&[]);
            }
            if self.next_phase() {
                let escaped = relatives();
                return self.end(&escaped);
            }
            if self.wait(main_fd.as_ref())? {
                match channel::receive(self.channel) {
                    Ok(Some(Order::Stop { grace_ms })) => self.stop(Duration::from_millis(grace_ms)),
                    // The caller has gone, or talks nonsense.
                    Ok(Some(Order::Start(_)) | None) | Err(_) => return self.kill_everything(),
                }
            }
        }
    }

    /// Takes note of processes that have ended. Returns whether there are no others.
    fn reap(&mut self) -> io::Result<bool> {
        loop {
            match wait(WaitOptions::NOHANG) {
                Ok(Some((pid, status))) if pid == self.main => {
                    self.status = status_of(status).or(self.status);
                }
                Ok(Some(_)) | Err(Errno::INTR) => {}
                Ok(None) => return Ok(false),
                Err(Errno::CHILD) => return Ok(true),
                Err(errno) => return Err(errno.into()),
            }
        }
    }

    /// Goes on when the time has come. Returns whether there is nothing more to be done.
    fn next_phase(&mut self) -> bool {
        let now = Instant::now();
        match self.phase {
            Phase::Running if self.status.is_some() => self.phase = Phase::Settling { until: now + SETTLE },
            Phase::Settling { until } if now >= until => {
                self.name_leftovers();
                self.signal_all(Signal::TERM);
                self.phase = Phase::Ending { kill_at: now + LEFTOVER_GRACE };
            }
            Phase::Stopping { kill_at } | Phase::Ending { kill_at } if now >= kill_at => {
                self.name_leftovers();
                if matches!(self.bond, Bond::PidNamespace { .. }) {
                    // The kernel does it, when this process ends.
                    return true;
                }
                self.signal_all(Signal::KILL);
                self.phase = Phase::Killing { until: now + KILL_LIMIT };
            }
            Phase::Killing { until } if now >= until => return true,
            // Whatever was started meanwhile.
            Phase::Killing { .. } => self.signal_all(Signal::KILL),
            _ => {}
        }
        false
    }

    fn stop(&mut self, grace: Duration) {
        if matches!(self.phase, Phase::Running | Phase::Settling { .. }) {
            let _ = kill_process_group(self.main, Signal::TERM);
            let now = Instant::now();
            let kill_at = now.checked_add(grace).unwrap_or(now);
            self.phase = Phase::Stopping { kill_at };
        }
    }

    /// Waits for the next thing to do. Returns whether there is a message.
    fn wait(&self, main: Option<&OwnedFd>) -> io::Result<bool> {
        let mut fds = vec![PollFd::new(self.channel, PollFlags::IN)];
        let running = self.status.is_none();
        fds.extend(main.filter(|_| running).map(|fd| PollFd::new(fd, PollFlags::IN)));
        let turn = match self.phase {
            Phase::Running if main.is_some() => IDLE_TURN,
            _ => BUSY_TURN,
        };
        let turn = Timespec::try_from(turn).unwrap_or(Timespec { tv_sec: 1, tv_nsec: 0 });
        match poll(&mut fds, Some(&turn)) {
            Ok(_) => Ok(!fds[0].revents().is_empty()),
            Err(Errno::INTR) => Ok(false),
            Err(errno) => Err(errno.into()),
        }
    }

    fn name_leftovers(&mut self) {
        let main = self.main.as_raw_pid().unsigned_abs();
        for relative in relatives().into_iter().filter(|relative| relative.pid != main) {
            let known = self.leftovers.iter().any(|known| known.pid == relative.pid);
            if !known && self.leftovers.len() < MOST_LEFTOVERS {
                self.leftovers.push(Leftover { pid: relative.pid, name: relative.name, ended: true });
            }
        }
    }

    fn signal_all(&self, signal: Signal) {
        if matches!(self.bond, Bond::PidNamespace { own_proc: false }) {
            let _ = kill_process_group(self.main, signal);
            return;
        }
        for relative in relatives() {
            relative.signal(signal);
        }
    }

    /// Tells the caller. In a PID namespace the kernel ends whatever is left when this process does.
    fn end(&mut self, escaped: &[Relative]) -> io::Result<()> {
        if matches!(self.bond, Bond::Subreaper) {
            for relative in escaped {
                match self.leftovers.iter_mut().find(|known| known.pid == relative.pid) {
                    Some(known) => known.ended = false,
                    None => self.leftovers.push(Leftover {
                        pid: relative.pid,
                        name: relative.name.clone(),
                        ended: false,
                    }),
                }
            }
        }
        // A command that had to be killed has no status yet; it is the one that the kernel will give it.
        let status = self.status.or(Some(Status::Signal(Signal::KILL.as_raw())));
        channel::send(self.channel, &Reply::Ended { status, leftovers: std::mem::take(&mut self.leftovers) })
    }

    /// The caller has gone.
    fn kill_everything(&mut self) -> io::Result<()> {
        if matches!(self.bond, Bond::PidNamespace { .. }) {
            return Ok(());
        }
        let until = Instant::now() + KILL_LIMIT;
        while !self.reap()? && Instant::now() < until {
            self.signal_all(Signal::KILL);
            let turn = Timespec::try_from(BUSY_TURN).unwrap_or(Timespec { tv_sec: 0, tv_nsec: 0 });
            let _ = poll(&mut [], Some(&turn));
        }
        Ok(())
    }
}

fn status_of(status: WaitStatus) -> Option<Status> {
    status.exit_status().map(Status::Code).or_else(|| status.terminating_signal().map(Status::Signal))
}
