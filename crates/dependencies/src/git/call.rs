//! One call of git.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use super::error::GitError;
use crate::url::SourceUrl;

/// How often a running git is looked at whether it is to be stopped.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How many looks git gets to end after it was told to.
const LOOKS_TO_END: u32 = 100;
/// The most bytes taken from standard output, unless a call says otherwise.
const OUTPUT_LIMIT: usize = 64 << 20;
/// The bytes kept of the end of standard error.
const ERROR_BYTES: usize = 4096;
/// The most characters of a line of progress.
const PROGRESS_CHARS: usize = 200;

/// Variables by which a surrounding git, for example a hook that we run in, points git to another repository.
const REPOSITORY_VARIABLES: [&str; 18] = [
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_CONFIG",
    "GIT_CONFIG_PARAMETERS",
    "GIT_CONFIG_COUNT",
    "GIT_OBJECT_DIRECTORY",
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_GRAFT_FILE",
    "GIT_INDEX_FILE",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_REPLACE_REF_BASE",
    "GIT_PREFIX",
    "GIT_SHALLOW_FILE",
    "GIT_COMMON_DIR",
    "GIT_NAMESPACE",
    "GIT_EXTERNAL_DIFF",
    "GIT_QUARANTINE_PATH",
];

/// Settings of every call: no hooks and no monitors of the repository, no programs as transports, no work besides.
const SETTINGS: [&str; 8] = [
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "protocol.ext.allow=never",
    "gc.auto=0",
    "maintenance.auto=false",
    "advice.detachedHead=false",
    "submodule.recurse=false",
    "core.quotePath=false",
];

/// Tells whether git is to be stopped. Clones ask the same question.
#[derive(Clone)]
pub struct Stop(Arc<dyn Fn() -> bool + Send + Sync>);

impl Stop {
    /// Asks `wanted`, from any thread, several times a second.
    pub fn when(wanted: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(wanted))
    }

    /// Never.
    pub fn never() -> Self {
        Self::when(|| false)
    }

    /// Whether it is wanted now.
    pub fn is_wanted(&self) -> bool {
        (self.0)()
    }
}

impl fmt::Debug for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Stop").field(&self.is_wanted()).finish()
    }
}

/// Receives what git says while it fetches or clones.
#[derive(Clone)]
struct Listener(Arc<dyn Fn(&str) + Send + Sync>);

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Listener").finish_non_exhaustive()
    }
}

/// The `git` command of this machine.
#[derive(Debug, Clone)]
pub struct Git {
    program: PathBuf,
    environment: Vec<(OsString, OsString)>,
    stop: Stop,
    listener: Option<Listener>,
}

impl Git {
    /// The `git` in the path. Starts nothing.
    pub fn new(stop: Stop) -> Self {
        Self { program: PathBuf::from("git"), environment: Vec::new(), stop, listener: None }
    }

    /// The same with one more variable in its environment.
    #[must_use]
    pub fn with_env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// The same, and while it fetches or clones `listen` gets its progress, for example `Receiving objects:  45% (450/1000),
    /// 12.30 MiB | 4.10 MiB/s`: lines without control characters and credentials, some of which the other side wrote.
    #[must_use]
    pub fn heard(mut self, listen: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.listener = Some(Listener(Arc::new(listen)));
        self
    }

    /// Whether it is to be stopped.
    pub fn stop(&self) -> &Stop {
        &self.stop
    }

    /// A call of git in `directory`.
    pub(super) fn call(&self, directory: &Path, name: &str) -> Call<'_> {
        Call {
            git: self,
            directory: directory.to_path_buf(),
            name: name.to_owned(),
            before: Vec::new(),
            args: Vec::new(),
            environment: Vec::new(),
            stdin: Vec::new(),
            limit: OUTPUT_LIMIT,
            listener: None,
        }
    }
}

/// A call that is being put together.
pub(super) struct Call<'a> {
    git: &'a Git,
    directory: PathBuf,
    name: String,
    before: Vec<OsString>,
    args: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    stdin: Vec<u8>,
    limit: usize,
    listener: Option<Listener>,
}

/// What a call came to.
pub(super) struct Ended {
    pub(super) status: ExitStatus,
    pub(super) stdout: Vec<u8>,
    /// The end of standard error, without credentials.
    pub(super) message: String,
}

impl Call<'_> {
    /// An option of git itself, in front of the command.
    pub(super) fn before(mut self, option: impl Into<OsString>) -> Self {
        self.before.push(option.into());
        self
    }

    pub(super) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    pub(super) fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Where to fetch from. What proves who we are goes the way of the environment: anybody may read the arguments of a process.
    pub(super) fn source(mut self, source: &SourceUrl, root: &Path) -> Self {
        self.args.push(source.for_git(root).into());
        if let Some(login) = source.login() {
            self.environment.extend(login.environment());
        }
        self
    }

    /// It brings objects from elsewhere, which may take long: its progress is told, and nothing else that it says.
    pub(super) fn transfer(mut self) -> Self {
        self.args.push("--quiet".into());
        self.listener.clone_from(&self.git.listener);
        if self.listener.is_some() {
            self.args.push("--progress".into());
        }
        self
    }

    pub(super) fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    pub(super) fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    pub(super) fn limit(mut self, bytes: usize) -> Self {
        self.limit = bytes;
        self
    }

    /// Runs it; a failure of git is an error.
    pub(super) fn run(self) -> Result<Vec<u8>, GitError> {
        let command = self.name.clone();
        let ended = self.end()?;
        if ended.status.success() {
            return Ok(ended.stdout);
        }
        Err(GitError::Failed { command, code: ended.status.code(), message: ended.message })
    }

    /// Runs it; its answer is text.
    pub(super) fn text(self) -> Result<String, GitError> {
        let command = self.name.clone();
        String::from_utf8(self.run()?).map_err(|_| GitError::Unexpected { command })
    }

    /// Runs it to its end, whatever that is.
    pub(super) fn end(self) -> Result<Ended, GitError> {
        if self.git.stop.is_wanted() {
            return Err(GitError::Stopped);
        }
        let mut command = Command::new(&self.git.program);
        command.current_dir(&self.directory).args(&self.before);
        for setting in SETTINGS {
            command.arg("-c").arg(setting);
        }
        command.arg(&self.name).args(&self.args);
        for variable in REPOSITORY_VARIABLES {
            command.env_remove(variable);
        }
        command
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_ALLOW_PROTOCOL", "file:git:http:https:ssh")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            .env("LC_ALL", "C")
            .envs(self.git.environment.iter().map(|(name, value)| (name, value)))
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(if self.stdin.is_empty() { Stdio::null() } else { Stdio::piped() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let child = command.spawn().map_err(|source| GitError::NotStarted { source })?;
        follow(child, self)
    }
}

/// Feeds and drains a git until it ends or is to be stopped.
fn follow(mut child: Child, call: Call<'_>) -> Result<Ended, GitError> {
    let Call { git: Git { stop, .. }, name, stdin: input, limit, listener, .. } = call;
    let failed = |source| GitError::NotStarted { source };
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (ended, both_ended) = channel::<()>();
    let other = ended.clone();
    let feeder = stdin.map(|mut pipe| {
        std::thread::spawn(move || {
            // Git may end before it has read everything; how it ended tells why.
            let _ = pipe.write_all(&input);
        })
    });
    let out = std::thread::spawn(move || {
        let taken = stdout.map_or_else(|| Ok((Vec::new(), false)), |pipe| take_head(pipe, limit));
        drop(ended);
        taken
    });
    let errors = std::thread::spawn(move || {
        let taken = stderr.map_or_else(Vec::new, |pipe| take_tail(pipe, listener.as_ref()));
        drop(other);
        taken
    });
    let mut looks = 0;
    let mut stopped = false;
    loop {
        match both_ended.recv_timeout(LOOK_EVERY) {
            Err(RecvTimeoutError::Disconnected) | Ok(()) => break,
            Err(RecvTimeoutError::Timeout) if stopped => {
                looks += 1;
                if looks > LOOKS_TO_END {
                    child.kill().map_err(failed)?;
                    break;
                }
            }
            Err(RecvTimeoutError::Timeout) => {
                if stop.is_wanted() {
                    stopped = true;
                    terminate(&child);
                }
            }
        }
    }
    let status = child.wait().map_err(failed)?;
    if stopped {
        return Err(GitError::Stopped);
    }
    drop(feeder.map(std::thread::JoinHandle::join));
    let (stdout, cut) = match out.join() {
        Ok(taken) => taken.map_err(failed)?,
        Err(panic) => std::panic::resume_unwind(panic),
    };
    let tail = errors.join().unwrap_or_default();
    if cut {
        return Err(GitError::TooMuchOutput { command: name, limit });
    }
    Ok(Ended { status, stdout, message: message(&tail) })
}

/// Asks git to end, so that it removes what it has begun.
fn terminate(child: &Child) {
    if let Ok(pid) = i32::try_from(child.id())
        && let Some(pid) = rustix::process::Pid::from_raw(pid)
    {
        // It may have ended by itself just now.
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
    }
}

/// The first `limit` bytes, and whether there were more; reads to the end in any case.
fn take_head(mut pipe: impl Read, limit: usize) -> std::io::Result<(Vec<u8>, bool)> {
    let mut bytes = Vec::new();
    let mut cut = false;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = match pipe.read(&mut buffer) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        if read == 0 {
            return Ok((bytes, cut));
        }
        let room = limit.saturating_sub(bytes.len()).min(read);
        bytes.extend_from_slice(&buffer[..room]);
        cut |= room < read;
    }
}

/// The last bytes. Each line is told to `listener` as soon as it ends; a line of progress ends with a carriage return.
fn take_tail(mut pipe: impl Read, listener: Option<&Listener>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut line = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(read @ 1..) = pipe.read(&mut buffer) {
        bytes.extend_from_slice(&buffer[..read]);
        if let Some(Listener(listen)) = listener {
            for byte in &buffer[..read] {
                if matches!(byte, b'\r' | b'\n') {
                    let told = one_line(&line);
                    line.clear();
                    if !told.is_empty() {
                        listen(&told);
                    }
                } else if line.len() < 4 * PROGRESS_CHARS {
                    line.push(*byte);
                }
            }
        }
        if bytes.len() > 2 * ERROR_BYTES {
            bytes.drain(..bytes.len() - ERROR_BYTES);
        }
    }
    bytes
}

/// A line of progress for a person.
fn one_line(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let clean: String = text.trim().chars().filter(|c| !c.is_control()).take(PROGRESS_CHARS).collect();
    crate::url::redact(&clean)
}

/// The lines that tell why, in one line.
fn message(tail: &[u8]) -> String {
    let text = String::from_utf8_lossy(tail);
    let is_progress =
        |line: &str| line.starts_with("Cloning into") || line.contains('\r') || line.contains("hint:");
    let lines: Vec<&str> =
        text.lines().map(str::trim).filter(|line| !line.is_empty() && !is_progress(line)).collect();
    let from =
        lines.iter().position(|line| line.starts_with("fatal:") || line.starts_with("error:")).unwrap_or(0);
    let words = lines[from..].join("; ");
    let clean: String = words.chars().filter(|c| !c.is_control()).take(1000).collect();
    crate::url::redact(if clean.is_empty() { "it said nothing" } else { &clean })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_is_the_cause_without_progress_and_credentials() {
        let said =
            b"Cloning into '/x'...\nhint: try\nfatal: unable to access 'https://u:pw@h/x/': no\nmore\n";
        assert_eq!(message(said), "fatal: unable to access 'https://***@h/x/': no; more");
    }

    #[test]
    fn every_line_of_progress_is_heard_as_it_comes() {
        let heard = Arc::new(std::sync::Mutex::new(Vec::new()));
        let hearing = heard.clone();
        let listener = Listener(Arc::new(move |line: &str| hearing.lock().unwrap().push(line.to_owned())));
        let said = [
            b"Receiving objects:  1% (1/100)\rReceiving objects:  2% (2/1".as_slice(),
            b"00), 1.20 MiB | 3.00 MiB/s\r\nremote: \x1b[31mhttps://u:pw@h/x\nfatal: no",
        ];
        let tail = take_tail(Pieces(said.iter().copied()), Some(&listener));
        assert_eq!(tail, said.concat());
        assert_eq!(
            *heard.lock().unwrap(),
            [
                "Receiving objects:  1% (1/100)",
                "Receiving objects:  2% (2/100), 1.20 MiB | 3.00 MiB/s",
                "remote: [31mhttps://***@h/x",
            ]
        );
    }

    /// Gives one piece with each read.
    struct Pieces<I>(I);

    impl<'a, I: Iterator<Item = &'a [u8]>> Read for Pieces<I> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let piece = self.0.next().unwrap_or_default();
            buffer[..piece.len()].copy_from_slice(piece);
            Ok(piece.len())
        }
    }

    #[test]
    fn a_git_that_is_to_be_stopped_is_not_started() {
        let git = Git::new(Stop::when(|| true));
        assert!(git.call(Path::new("/"), "version").run().unwrap_err().is_stopped());
    }

    #[test]
    fn more_output_than_allowed_is_an_error_and_is_drained() {
        let git = Git::new(Stop::never());
        let error = git.call(Path::new("/"), "help").arg("-a").limit(10).run().unwrap_err();
        assert!(matches!(error, GitError::TooMuchOutput { limit: 10, .. }), "{error}");
    }
}
