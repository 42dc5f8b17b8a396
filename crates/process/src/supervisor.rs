//! The program that supervises commands.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, Ordering};

use crate::command::Confinement;
use crate::outcome::Isolation;

/// How the supervising process is started: a program that calls [`supervise`](crate::supervise) with what follows
/// `arguments` on its command line, before it starts any thread.
///
/// It remembers which isolation the machine refused, so one value should serve all commands of a program.
#[derive(Debug)]
pub struct Supervisor {
    program: PathBuf,
    arguments: Vec<OsString>,
    refused: AtomicU8,
}

impl Supervisor {
    /// A program and the arguments that lead to its supervising entry point.
    pub fn new<A: Into<OsString>>(
        program: impl Into<PathBuf>,
        arguments: impl IntoIterator<Item = A>,
    ) -> Self {
        Self {
            program: program.into(),
            arguments: arguments.into_iter().map(Into::into).collect(),
            refused: AtomicU8::new(0),
        }
    }

    /// The calling program itself. Its file may have been replaced or removed since it was started.
    pub fn this_program<A: Into<OsString>>(arguments: impl IntoIterator<Item = A>) -> Self {
        // In the child that is about to execute it, this still is the caller's program.
        Self::new("/proc/self/exe", arguments)
    }

    pub(crate) fn program(&self) -> &Path {
        &self.program
    }

    pub(crate) fn arguments(&self) -> &[OsString] {
        &self.arguments
    }

    /// What to try, strongest first; never nothing.
    pub(crate) fn candidates(&self, confinement: Confinement, overlay: bool) -> Vec<Isolation> {
        let refused = self.refused.load(Ordering::Relaxed);
        let privileged = rustix::process::geteuid().is_root();
        let usable = |isolation: &Isolation| match isolation {
            Isolation::PidNamespace => privileged && confinement != Confinement::NoNamespace,
            Isolation::UserNamespace => confinement == Confinement::Strongest,
            Isolation::Subreaper => !overlay,
        };
        let all = [Isolation::PidNamespace, Isolation::UserNamespace, Isolation::Subreaper];
        let usable: Vec<_> = all.into_iter().filter(usable).collect();
        let left: Vec<_> = usable.iter().copied().filter(|one| refused & bit(*one) == 0).collect();
        if left.is_empty() { usable } else { left }
    }

    /// Remembers that the machine refused this to a command that asked for nothing else.
    pub(crate) fn refuse(&self, isolation: Isolation) {
        self.refused.fetch_or(bit(isolation), Ordering::Relaxed);
    }
}

fn bit(isolation: Isolation) -> u8 {
    match isolation {
        Isolation::PidNamespace => 1,
        Isolation::UserNamespace => 2,
        Isolation::Subreaper => 4,
    }
}
