//! The caller's side: starts the supervisor, drains the output, keeps the limits, and learns how the command ended.

use std::fs::File;
use std::io::{self, PipeReader, Read, Seek, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{MemfdFlags, OFlags, fcntl_getfl, fcntl_setfl, memfd_create};

use crate::channel::{self, Bytes, NotStarted, Order, Reply, Setup, Start, Status};
use crate::command::{Command, Output, Program, Stdin};
use crate::error::ProcessError;
use crate::outcome::{End, Isolation, Leftover, Outcome};
use crate::output::{KeptOutput, Stream};
use crate::supervisor::Supervisor;
use crate::view::View;

/// How often the caller is asked whether it cancels.
const TURN: Duration = Duration::from_millis(100);
/// How long the supervisor may take to prepare.
const SETUP_LIMIT: Duration = Duration::from_secs(30);
/// How long after the command's end the supervisor may take to go.
const LEAVING_LIMIT: Duration = Duration::from_secs(5);
/// How much is read at once.
const BUFFER_BYTES: usize = 64 << 10;

/// Runs a command to its end, in this thread.
///
/// `live` gets the output as it comes; while it works, the command's pipes fill. `cancelled` is asked ten times a second.
/// A cancelled command, or one that is over its limit, gets TERM for its process group and, after its grace, KILL for all
/// of its processes.
///
/// # Errors
/// When it could not be started or followed to its end. That the command itself fails is no error. After an error, as
/// after success, no process of it is left.
pub fn run(
    supervisor: &Supervisor,
    command: &Command,
    live: &mut dyn FnMut(Stream, &[u8]),
    cancelled: &dyn Fn() -> bool,
) -> Result<Outcome, ProcessError> {
    let overlay = matches!(command.view, View::Overlay(_));
    let mut refusal = None;
    for isolation in supervisor.candidates(command.confinement, overlay) {
        match Supervised::start(supervisor, command, isolation)? {
            Ok(mut supervised) => {
                supervised.start_command(command)?;
                return supervised.follow(command, live, cancelled);
            }
            Err(refused) => {
                if !overlay {
                    supervisor.refuse(isolation);
                }
                refusal = Some(refused);
            }
        }
    }
    Err(refusal.unwrap_or_else(|| ProcessError::NotAllowed {
        step: "mount an overlay without the namespaces that the command does without".to_owned(),
        source: io::ErrorKind::PermissionDenied.into(),
    }))
}

/// A supervisor that runs, and what leads to it. Dropping it ends the command.
struct Supervised {
    isolation: Isolation,
    child: Child,
    channel: Option<UnixStream>,
    pipes: Vec<(Stream, PipeReader)>,
    started: Instant,
}

impl Supervised {
    /// Starts the supervisor and has it prepare; or tells what the machine refused.
    fn start(
        supervisor: &Supervisor,
        command: &Command,
        isolation: Isolation,
    ) -> Result<Result<Self, ProcessError>, ProcessError> {
        let overlay = match &command.view {
            View::Host => None,
            View::Overlay(overlay) => Some(overlay.prepare()?),
        };
        let (ours, theirs) = UnixStream::pair().map_err(ProcessError::io("make a socket"))?;
        let mut process = std::process::Command::new(supervisor.program());
        process.args(supervisor.arguments()).env_clear().current_dir("/").process_group(0);
        process.stdin(OwnedFd::from(theirs));
        let mut pipes = Vec::new();
        if matches!(command.output, Output::Captured { .. }) {
            let mut pipe = |stream| -> Result<Stdio, ProcessError> {
                let (reader, writer) = io::pipe().map_err(ProcessError::io("make a pipe"))?;
                let nonblocking =
                    fcntl_getfl(&reader).and_then(|flags| fcntl_setfl(&reader, flags | OFlags::NONBLOCK));
                nonblocking.map_err(|errno| ProcessError::io("make a pipe")(errno.into()))?;
                pipes.push((stream, reader));
                Ok(writer.into())
            };
            process.stdout(pipe(Stream::Stdout)?).stderr(pipe(Stream::Stderr)?);
        }
        let child = process.spawn().map_err(|source| ProcessError::Supervisor {
            program: supervisor.program().to_owned(),
            source,
        })?;
        // The ends that the supervisor has.
        drop(process);

        let this = Self { isolation, child, channel: Some(ours), pipes, started: Instant::now() };
        this.channel()?.set_read_timeout(Some(SETUP_LIMIT)).map_err(ProcessError::io("set a timeout"))?;
        channel::send(this.channel()?, &Setup { isolation, overlay }).map_err(lost)?;
        match this.reply()? {
            Reply::Ready => Ok(Ok(this)),
            Reply::Refused { step, errno } => {
                Ok(Err(ProcessError::NotAllowed { step, source: io::Error::from_raw_os_error(errno) }))
            }
            _ => Err(ProcessError::SupervisorLost),
        }
    }

    fn channel(&self) -> Result<&UnixStream, ProcessError> {
        self.channel.as_ref().ok_or(ProcessError::SupervisorLost)
    }

    fn reply(&self) -> Result<Reply, ProcessError> {
        channel::receive(self.channel()?).map_err(lost)?.ok_or(ProcessError::SupervisorLost)
    }

    fn start_command(&mut self, command: &Command) -> Result<(), ProcessError> {
        let argv = command.program.argv();
        let order = Order::Start(Start {
            argv: argv.into_iter().map(Bytes::from).collect(),
            directory: Bytes::of_path(&command.directory),
            environment: command
                .environment
                .resolve(std::env::vars_os())
                .into_iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        });
        let stdin = open_stdin(&command.stdin).map_err(ProcessError::io("prepare the command's input"))?;
        channel::send(self.channel()?, &order).map_err(lost)?;
        channel::send_fd(self.channel()?, stdin).map_err(lost)?;
        match self.reply()? {
            Reply::Started => {
                self.started = Instant::now();
                Ok(())
            }
            Reply::NotStarted { why, errno } => Err(not_started(command, why, errno)),
            _ => Err(ProcessError::SupervisorLost),
        }
    }

    fn follow(
        mut self,
        command: &Command,
        live: &mut dyn FnMut(Stream, &[u8]),
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Outcome, ProcessError> {
        let mut output = KeptOutput::new(match command.output {
            Output::Captured { kept_bytes } => kept_bytes,
            Output::Inherited => 0,
        });
        let deadline = command.limit.and_then(|limit| self.started.checked_add(limit));
        let mut stopped = None;
        let mut ended: Option<(Option<Status>, Vec<Leftover>, Instant)> = None;
        // The channel closes when the last process of the supervisor has gone; by then nobody writes any more.
        while self.channel.is_some() {
            if let Some((_, _, at)) = &ended
                && at.elapsed() > LEAVING_LIMIT
            {
                break;
            }
            if ended.is_none() && stopped.is_none() {
                stopped = match deadline {
                    Some(deadline) if Instant::now() >= deadline => Some(End::TimedOut),
                    _ if cancelled() => Some(End::Cancelled),
                    _ => None,
                };
                if stopped.is_some() {
                    let grace_ms = u64::try_from(command.grace.as_millis()).unwrap_or(u64::MAX);
                    // When it has just gone, its last message is still to be read.
                    let _ = channel::send(self.channel()?, &Order::Stop { grace_ms });
                }
            }
            let turn = match deadline {
                Some(deadline) if stopped.is_none() => {
                    TURN.min(deadline.saturating_duration_since(Instant::now()))
                }
                _ => TURN,
            };
            if self.wait(turn)? {
                match channel::receive(self.channel()?) {
                    Ok(Some(Reply::Ended { status, leftovers })) => {
                        ended = Some((status, leftovers, Instant::now()));
                    }
                    Ok(None) => self.channel = None,
                    Ok(Some(_)) | Err(_) => return Err(ProcessError::SupervisorLost),
                }
            }
            self.drain(&mut output, live)?;
        }
        let (status, mut leftovers, at) = ended.ok_or(ProcessError::SupervisorLost)?;
        if self.channel.is_some() {
            // The kernel cannot end the namespace.
            for leftover in &mut leftovers {
                leftover.ended = false;
            }
        }
        let end = match (stopped, status) {
            (Some(stopped), _) => stopped,
            (None, Some(Status::Code(code))) => End::Exited { code },
            (None, Some(Status::Signal(signal))) => End::Signalled { signal },
            (None, None) => return Err(ProcessError::SupervisorLost),
        };
        Ok(Outcome {
            end,
            duration: at.saturating_duration_since(self.started),
            output,
            leftovers,
            isolation: self.isolation,
        })
    }

    /// Waits until there is something to read. Returns whether there is a message.
    fn wait(&self, turn: Duration) -> Result<bool, ProcessError> {
        let channel = self.channel()?;
        let mut fds = vec![PollFd::new(channel, PollFlags::IN)];
        fds.extend(self.pipes.iter().map(|(_, pipe)| PollFd::new(pipe, PollFlags::IN)));
        let turn = Timespec::try_from(turn).unwrap_or(Timespec { tv_sec: 1, tv_nsec: 0 });
        match poll(&mut fds, Some(&turn)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(errno) => return Err(ProcessError::io("wait for the command")(errno.into())),
        }
        Ok(!fds[0].revents().is_empty())
    }

    /// Reads what there is. A pipe that nobody can write to any more is closed.
    fn drain(
        &mut self,
        output: &mut KeptOutput,
        live: &mut dyn FnMut(Stream, &[u8]),
    ) -> Result<(), ProcessError> {
        let mut buffer = vec![0; BUFFER_BYTES];
        let mut failure = None;
        self.pipes.retain_mut(|(stream, pipe)| {
            // A bounded number of times, so that one stream that never pauses hides neither the other nor the end.
            for _ in 0..16 {
                match pipe.read(&mut buffer) {
                    Ok(0) => return false,
                    Ok(length) => {
                        output.push(*stream, &buffer[..length]);
                        live(*stream, &buffer[..length]);
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => return true,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => {
                        failure = Some(error);
                        return false;
                    }
                }
            }
            true
        });
        failure.map_or(Ok(()), |error| Err(ProcessError::io("read the command's output")(error)))
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        // Without its channel the supervisor kills what is left and goes.
        self.channel = None;
        let until = Instant::now() + LEAVING_LIMIT;
        while matches!(self.child.try_wait(), Ok(None)) {
            if Instant::now() >= until {
                // It waits for processes that the kernel cannot end; it ends with them.
                return;
            }
            let _ = poll(&mut [], Some(&Timespec { tv_sec: 0, tv_nsec: 1_000_000 }));
        }
    }
}

fn lost(error: io::Error) -> ProcessError {
    match error.kind() {
        io::ErrorKind::ArgumentListTooLong => ProcessError::io("hand the command over")(error),
        _ => ProcessError::SupervisorLost,
    }
}

fn open_stdin(stdin: &Stdin) -> io::Result<OwnedFd> {
    match stdin {
        Stdin::Empty => Ok(File::open("/dev/null")?.into()),
        Stdin::Inherited => io::stdin().as_fd().try_clone_to_owned(),
        Stdin::Bytes(bytes) => {
            // A file rather than a pipe: nobody has to feed it while the command runs.
            let mut file = File::from(memfd_create("stdin", MemfdFlags::CLOEXEC)?);
            file.write_all(bytes)?;
            file.rewind()?;
            Ok(file.into())
        }
    }
}

fn not_started(command: &Command, why: NotStarted, errno: i32) -> ProcessError {
    let source = io::Error::from_raw_os_error(errno);
    let program = match &command.program {
        Program::Direct { program, .. } => program.clone(),
        Program::Shell { .. } => "/bin/sh".into(),
    };
    match why {
        NotStarted::Directory => ProcessError::Directory { path: command.directory.clone(), source },
        NotStarted::Nul => ProcessError::Nul,
        NotStarted::Program if source.kind() == io::ErrorKind::NotFound => ProcessError::NotFound { program },
        NotStarted::Program => ProcessError::NotExecutable { program, source },
    }
}
