//! What is run, where, and within which limits.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use crate::environment::Environment;
use crate::view::View;

/// How many bytes of output are kept unless told otherwise.
const KEPT_BYTES: usize = 10 << 20;
/// How long a command that was told to end may take to do so.
const GRACE: Duration = Duration::from_secs(10);

/// A command to run.
#[derive(Debug, Clone)]
pub struct Command {
    /// What is executed.
    pub program: Program,
    /// The working directory. It must exist, in the command's view.
    pub directory: PathBuf,
    /// The environment.
    pub environment: Environment,
    /// What the command reads.
    pub stdin: Stdin,
    /// Where its output goes.
    pub output: Output,
    /// How long it may take; `None`: as long as it likes. After that it ends as when cancelled, and the outcome is
    /// [`End::TimedOut`](crate::End::TimedOut).
    pub limit: Option<Duration>,
    /// How long after TERM it is killed. 10 seconds unless set.
    pub grace: Duration,
    /// What it sees of the file system.
    pub view: View,
    /// How it is confined.
    pub confinement: Confinement,
}

impl Command {
    /// A command with the inherited environment, no input, 10 MiB of kept output, no time limit, and the file system as
    /// it is.
    pub fn new(program: Program, directory: impl Into<PathBuf>) -> Self {
        Self {
            program,
            directory: directory.into(),
            environment: Environment::inherited(),
            stdin: Stdin::Empty,
            output: Output::Captured { kept_bytes: KEPT_BYTES },
            limit: None,
            grace: GRACE,
            view: View::Host,
            confinement: Confinement::Strongest,
        }
    }
}

/// What is executed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Program {
    /// A program, looked up in the command's own `PATH` when its name has no slash, and its arguments.
    Direct {
        /// The program.
        program: OsString,
        /// Its arguments, without the program's name.
        arguments: Vec<OsString>,
    },
    /// A text for `/bin/sh -c`, as a person wrote it in a file of theirs. The arguments are `$1`, `$2`, ...; they are
    /// never part of the text.
    Shell {
        /// The text.
        text: OsString,
        /// The positional parameters.
        arguments: Vec<OsString>,
    },
}

impl Program {
    /// A program with its arguments.
    pub fn direct<A: Into<OsString>>(
        program: impl Into<OsString>,
        arguments: impl IntoIterator<Item = A>,
    ) -> Self {
        let arguments = arguments.into_iter().map(Into::into).collect();
        Self::Direct { program: program.into(), arguments }
    }

    /// A shell text without arguments.
    pub fn shell(text: impl Into<OsString>) -> Self {
        Self::Shell { text: text.into(), arguments: Vec::new() }
    }

    /// The program's name and its arguments, as they are executed.
    pub(crate) fn argv(&self) -> Vec<OsString> {
        match self {
            Self::Direct { program, arguments } => {
                std::iter::once(program.clone()).chain(arguments.iter().cloned()).collect()
            }
            Self::Shell { text, arguments } => {
                let shell = ["/bin/sh".into(), "-c".into(), text.clone(), "sh".into()];
                shell.into_iter().chain(arguments.iter().cloned()).collect()
            }
        }
    }
}

/// What a command reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stdin {
    /// Nothing: end of file at once.
    Empty,
    /// These bytes, as a file.
    Bytes(Vec<u8>),
    /// What the calling program reads. A command that reads the terminal this way is in the background of that
    /// terminal's session: see [`Output::Inherited`].
    Inherited,
}

/// Where a command's output goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// Through pipes to the caller, which sees it as it comes and keeps so much of it.
    Captured {
        /// How many bytes are kept; the rest is counted.
        kept_bytes: usize,
    },
    /// To where the calling program writes. Nothing is kept and the caller sees none of it.
    Inherited,
}

/// How a command is confined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confinement {
    /// As strongly as the machine permits. For a user without privileges that takes a user namespace, in which set-uid
    /// programs (`sudo`) have no effect and files of other owners cannot be given away.
    Strongest,
    /// Without a user namespace: for commands that need set-uid programs. Without privileges there is then neither a
    /// PID namespace nor an overlay.
    NoUserNamespace,
    /// Without any namespace: for commands that change mounts, or signal processes that are not theirs.
    NoNamespace,
}
